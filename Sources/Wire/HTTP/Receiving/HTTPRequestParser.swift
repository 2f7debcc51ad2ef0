package enum HTTPRequestEvent: Sendable, Equatable {
    case head(HTTPRequestHead)
    /// The next octets of the content, never empty.
    case body([UInt8])
    case end
}

/// Turns the bytes of a client into requests, RFC 9112, and refuses what two readers could
/// understand in two ways.
///
/// It holds what was received and not yet asked for, so ask `next` until nil before receiving more.
/// After an error, and after a request that ends the connection, further bytes are dropped.
package struct HTTPRequestParser: Sendable {
    private enum Stage: Sendable {
        case blank
        case line
        case fields
        case body
        case closed
    }

    private let limits: HTTPLimits
    private var input = HTTPInput()
    private var stage = Stage.blank
    private var skippedBlankLine = false
    private var line = HTTPRequestLine()
    private var section = HTTPFieldSection()
    private var body = HTTPBodyReader(.none)
    private var keepsAlive = true
    private var failure: HTTPParseError?

    package init(limits: HTTPLimits = HTTPLimits()) { self.limits = limits }

    /// Nothing of a request has come in since the last one ended.
    package var isIdle: Bool {
        switch stage {
        case .blank: input.isEmpty
        case .closed: true
        default: false
        }
    }

    package mutating func receive(_ bytes: Span<UInt8>) {
        guard failure == nil, stage != .closed else { return }
        input.append(bytes)
    }

    /// The next event, or nil until more bytes arrive. An error is thrown again at each call.
    package mutating func next() throws(HTTPParseError) -> HTTPRequestEvent? {
        if let failure { throw failure }
        do {
            return try advance()
        } catch {
            failure = error
            input.removeAll()
            throw error
        }
    }

    private mutating func advance() throws(HTTPParseError) -> HTTPRequestEvent? {
        switch stage {
        case .closed: return nil
        case .body: return try readBody()
        case .blank:
            guard try skipBlankLine() else { return nil }
            line = HTTPRequestLine()
            stage = .line
            fallthrough
        case .line:
            guard try line.read(input, limits) else { return nil }
            section = HTTPFieldSection(from: line.end, octetLimit: limits.sectionOctets)
            stage = .fields
            fallthrough
        case .fields:
            guard try section.read(input, limits) else { return nil }
            return .head(try takeHead())
        }
    }

    /// RFC 9112 §2.2: one empty line ahead of a request is forgiven. False: more is needed.
    private mutating func skipBlankLine() throws(HTTPParseError) -> Bool {
        guard !input.isEmpty else { return false }
        guard input[0] == HTTPOctet.carriageReturn else { return true }
        guard !skippedBlankLine else {
            throw HTTPParseError("more than one empty line ahead of the request")
        }
        guard input.count >= 2 else { return false }
        guard input[1] == HTTPOctet.lineFeed else {
            throw HTTPParseError("a bare carriage return ahead of the request")
        }
        input.skip(2)
        skippedBlankLine = true
        return try skipBlankLine()
    }

    private mutating func takeHead() throws(HTTPParseError) -> HTTPRequestHead {
        let head = try HTTPRequestHead(
            octets: input.take(section.end),
            line: line,
            lines: section.lines,
            limits: limits
        )
        body = HTTPBodyReader(head.framing)
        keepsAlive = head.keepsAlive
        section = HTTPFieldSection()
        stage = .body
        return head
    }

    private mutating func readBody() throws(HTTPParseError) -> HTTPRequestEvent? {
        switch try body.next(&input, limits) {
        case .octets(let octets): return .body(octets)
        case .more: return nil
        case .end:
            stage = keepsAlive ? .blank : .closed
            skippedBlankLine = false
            if stage == .closed { input.removeAll() }
            return .end
        }
    }
}
