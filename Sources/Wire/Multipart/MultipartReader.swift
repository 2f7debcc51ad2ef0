struct MultipartLimits: Sendable, Equatable {
    var parts = 1000
    var headerOctets = 16_384
    var headerFields = 32
    /// What stands ahead of the first part and behind the last one is thrown away.
    var surroundingOctets = 65_536

    init() {}
}

/// Why a multipart body cannot be read: a sentence for people.
package struct MultipartError: Error, Equatable {
    package let reason: String
}

package enum MultipartEvent: Sendable, Equatable {
    case part(MultipartPart)
    /// The next octets of the part, never empty.
    case body([UInt8])
    case partEnd
    /// The closing delimiter; what follows means nothing.
    case end
}

/// Takes a multipart body apart, RFC 2046 §5.1 and RFC 7578, however its bytes are cut.
///
/// It holds what was received and not yet asked for, so ask `next` until nil before receiving more.
package struct MultipartReader: Sendable {
    private enum Stage: Sendable {
        case preamble
        case delimiter
        case header
        case bodyStart
        case body
        case epilogue
    }

    private let limits: MultipartLimits
    private let headerLimits: HTTPLimits
    /// CRLF and the dashes belong to it, RFC 2046 §5.1.1.
    private let delimiter: [UInt8]
    private var input = HTTPInput()
    private var stage = Stage.preamble
    private var section = HTTPFieldSection()
    private var parts = 0
    private var surrounding = 0
    private var isInPart = false
    private var failure: MultipartError?

    /// `boundary`: as `MediaType.boundary` gives it.
    package init(boundary: String) { self.init(boundary: boundary, limits: MultipartLimits()) }

    init(boundary: String, limits: MultipartLimits) {
        self.limits = limits
        var header = HTTPLimits()
        header.fieldCount = limits.headerFields
        header.fieldLineOctets = limits.headerOctets
        headerLimits = header
        delimiter = [UInt8]("\r\n--\(boundary)".utf8)
        // The first delimiter may stand at the very beginning, where no line ends before it.
        input.append([HTTPOctet.carriageReturn, HTTPOctet.lineFeed].span)
    }

    package mutating func receive(_ bytes: Span<UInt8>) {
        if failure == nil { input.append(bytes) }
    }

    /// The next event, or nil until more bytes arrive. An error is thrown again at each call.
    package mutating func next() throws(MultipartError) -> MultipartEvent? {
        if let failure { throw failure }
        do {
            return try advance()
        } catch {
            failure = error
            input.removeAll()
            throw error
        }
    }

    /// Call it behind the last byte, when `next` has answered nil: throws if the end is missing.
    package func finish() throws(MultipartError) {
        if let failure { throw failure }
        guard stage == .epilogue else {
            throw MultipartError(reason: "the multipart body ends without its closing boundary")
        }
    }

    private mutating func advance() throws(MultipartError) -> MultipartEvent? {
        while true {
            switch stage {
            case .preamble: guard try skipPreamble() else { return nil }
            case .delimiter:
                if isInPart {
                    isInPart = false
                    return .partEnd
                }
                guard let isLast = try readDelimiterEnd() else { return nil }
                if isLast { return .end }
            case .header: return try readHeader().map { .part($0) }
            case .bodyStart: guard startBody() else { return nil }
            case .body:
                if let octets = takeBody() { return .body(octets) }
                guard stage == .delimiter else { return nil }
            case .epilogue:
                try discard(input.count)
                return nil
            }
        }
    }

    private mutating func skipPreamble() throws(MultipartError) -> Bool {
        let (clear, isFound) = MultipartDelimiter.search(delimiter, in: input)
        try discard(clear)
        guard isFound else { return false }
        input.skip(delimiter.count)
        stage = .delimiter
        return true
    }

    private mutating func discard(_ count: Int) throws(MultipartError) {
        surrounding += count
        guard surrounding <= limits.surroundingOctets else {
            throw MultipartError(reason: "too much stands around the parts of the multipart body")
        }
        input.skip(count)
    }

    /// What may follow a delimiter: `--`, or blanks and CRLF. Nil: more is needed.
    private mutating func readDelimiterEnd() throws(MultipartError) -> Bool? {
        var offset = 0
        while offset < input.count, HTTPOctet.isBlank(input[offset]) { offset += 1 }
        guard offset <= 64 else { throw Self.malformedDelimiter }
        guard offset < input.count else { return nil }
        let isLast = offset == 0 && input[0] == HTTPOctet.hyphen
        let wanted =
            isLast
            ? [HTTPOctet.hyphen, HTTPOctet.hyphen]
            : [HTTPOctet.carriageReturn, HTTPOctet.lineFeed]
        guard input[offset] == wanted[0],
            offset + 1 >= input.count || input[offset + 1] == wanted[1]
        else { throw Self.malformedDelimiter }
        guard offset + 1 < input.count else { return nil }
        input.skip(offset + 2)
        stage = isLast ? .epilogue : .header
        section = HTTPFieldSection(octetLimit: limits.headerOctets)
        return isLast
    }

    private static let malformedDelimiter = MultipartError(
        reason: "a boundary is followed by something else than a line's end"
    )

    private mutating func readHeader() throws(MultipartError) -> MultipartPart? {
        do {
            guard try section.read(input, headerLimits) else { return nil }
        } catch {
            throw MultipartError(reason: "in the header of part \(parts + 1): \(error.reason)")
        }
        parts += 1
        guard parts <= limits.parts else {
            throw MultipartError(reason: "the multipart body has more than \(limits.parts) parts")
        }
        let octets = input.take(section.end)
        stage = .bodyStart
        isInPart = true
        return MultipartPart(HTTPFields(octets: octets, lines: section.lines))
    }

    /// The empty line behind the header may already be the delimiter's own, of a part without
    /// content: RFC 2046 §5.1.1, body-part. False: more is needed.
    private mutating func startBody() -> Bool {
        var count = 0
        while count < input.count, count < delimiter.count - 2,
            input[count] == delimiter[count + 2]
        { count += 1 }
        if count == delimiter.count - 2 {
            input.skip(count)
            stage = .delimiter
        } else if count < input.count {
            stage = .body
        }
        return stage != .bodyStart
    }

    /// Nil: nothing can be given out yet, or the delimiter has been reached and passed.
    private mutating func takeBody() -> [UInt8]? {
        let (clear, isFound) = MultipartDelimiter.search(delimiter, in: input)
        if clear > 0 { return input.take(clear) }
        if isFound {
            input.skip(delimiter.count)
            stage = .delimiter
        }
        return nil
    }
}
