/// Reads a message's content as its framing says, RFC 9112 §6–7. Trailer fields are checked like
/// header fields and dropped.
struct HTTPBodyReader: Sendable {
    enum Step {
        case octets([UInt8])
        case more
        case end
    }

    private enum Stage: Sendable {
        case octets(left: Int)
        case untilClose
        case chunkSize
        case chunk(left: Int)
        case chunkEnd
        case trailer
        case done
    }

    /// Small chunks are gathered to about this many octets.
    private static let gathered = 65_536

    private var stage: Stage
    private var total = 0
    private var extensionOctets = 0
    private var trailer = HTTPFieldSection()
    /// Found behind content that was still to be handed out.
    private var failure: HTTPParseError?

    init(_ framing: HTTPFraming) {
        stage =
            switch framing {
            case .none: .done
            case .length(let length): length == 0 ? .done : .octets(left: length)
            case .chunked: .chunkSize
            case .untilClose: .untilClose
            }
    }

    var endsWithConnection: Bool { if case .untilClose = stage { true } else { false } }

    mutating func next(
        _ input: inout HTTPInput,
        _ limits: HTTPLimits
    ) throws(HTTPParseError) -> Step {
        if let failure { throw failure }
        var octets: [UInt8] = []
        do {
            while octets.count < Self.gathered, try advance(&input, limits, &octets) {}
        } catch {
            guard !octets.isEmpty else { throw error }
            failure = error
        }
        if !octets.isEmpty { return .octets(octets) }
        if case .done = stage { return .end }
        return .more
    }

    /// False: nothing more can be read from this input.
    private mutating func advance(
        _ input: inout HTTPInput,
        _ limits: HTTPLimits,
        _ output: inout [UInt8]
    ) throws(HTTPParseError) -> Bool {
        switch stage {
        case .done: return false
        case .trailer: return try readTrailer(&input, limits)
        case _ where input.isEmpty: return false
        case .octets(let left):
            let count = min(left, input.count)
            input.move(count, to: &output)
            stage = count == left ? .done : .octets(left: left - count)
            return true
        case .untilClose:
            try count(input.count, limits)
            input.move(input.count, to: &output)
            return true
        case .chunkSize: return try readChunkSize(&input, limits)
        case .chunk(let left):
            let count = min(left, input.count)
            input.move(count, to: &output)
            stage = count == left ? .chunkEnd : .chunk(left: left - count)
            return true
        case .chunkEnd: return try readChunkEnd(&input)
        }
    }

    private mutating func count(_ octets: Int, _ limits: HTTPLimits) throws(HTTPParseError) {
        guard octets <= limits.bodyOctets - total else {
            throw HTTPParseError(
                status: 413,
                "the content is longer than \(limits.bodyOctets) octets"
            )
        }
        total += octets
    }

    private mutating func readChunkSize(
        _ input: inout HTTPInput,
        _ limits: HTTPLimits
    ) throws(HTTPParseError) -> Bool {
        let window = HTTPChunkLine.maximumDigits + limits.chunkExtensionOctets + 2
        guard let line = try HTTPChunkLine(input, window: window) else { return false }
        extensionOctets += line.extensionOctets
        guard extensionOctets <= limits.messageExtensionOctets else {
            throw HTTPParseError("the chunk extensions are too long")
        }
        try count(line.size, limits)
        input.skip(line.end)
        if line.size > 0 {
            stage = .chunk(left: line.size)
        } else {
            trailer = HTTPFieldSection(octetLimit: limits.trailerOctets)
            stage = .trailer
        }
        return true
    }

    private mutating func readChunkEnd(_ input: inout HTTPInput) throws(HTTPParseError) -> Bool {
        guard input[0] == HTTPOctet.carriageReturn,
            input.count < 2 || input[1] == HTTPOctet.lineFeed
        else { throw HTTPParseError("a chunk is not followed by CRLF") }
        guard input.count >= 2 else { return false }
        input.skip(2)
        stage = .chunkSize
        return true
    }

    private mutating func readTrailer(
        _ input: inout HTTPInput,
        _ limits: HTTPLimits
    ) throws(HTTPParseError) -> Bool {
        guard try trailer.read(input, limits) else { return false }
        input.skip(trailer.end)
        stage = .done
        return false
    }
}
