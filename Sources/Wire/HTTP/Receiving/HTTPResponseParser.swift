package enum HTTPResponseEvent: Sendable, Equatable {
    case head(HTTPResponseHead)
    /// The next octets of the content, never empty.
    case body([UInt8])
    case end
}

/// Turns the bytes of a server into the final responses to our requests, in their order; interim
/// ones are passed over (RFC 9110 §15.2). As strict as the parser of requests.
package struct HTTPResponseParser: Sendable {
    private let limits: HTTPLimits
    private var input = HTTPInput()
    private var awaited: [HTTPMethod] = []
    private var statusLine: HTTPStatusLine?
    private var section = HTTPFieldSection()
    private var body: HTTPBodyReader?
    private var interim = 0
    private var keepsAlive = true
    private var isClosed = false
    private var failure: HTTPParseError?

    package init(limits: HTTPLimits = HTTPLimits()) { self.limits = limits }

    /// Says that a request went out: an answer nobody waits for is an error.
    package mutating func expectResponse(to method: HTTPMethod) { awaited.append(method) }

    package mutating func receive(_ bytes: Span<UInt8>) {
        guard failure == nil else { return }
        input.append(bytes)
    }

    /// The peer has closed its side. `next` then gives what is left, and throws if that is less
    /// than a whole response.
    package mutating func receiveEnd() { isClosed = true }

    /// The next event, or nil until more bytes arrive. An error is thrown again at each call; its
    /// status is 502.
    package mutating func next() throws(HTTPParseError) -> HTTPResponseEvent? {
        if let failure { throw failure }
        do {
            return try advance()
        } catch {
            let error = HTTPParseError(status: 502, error.reason)
            failure = error
            input.removeAll()
            throw error
        }
    }

    private mutating func advance() throws(HTTPParseError) -> HTTPResponseEvent? {
        if body != nil { return try readBody() }
        guard let method = awaited.first else {
            guard input.isEmpty else { throw HTTPParseError("an answer that nobody asked for") }
            return nil
        }
        guard keepsAlive else {
            throw HTTPParseError("the server closes the connection before it has answered")
        }
        while let head = try readHead(method) {
            if head.status >= 200 {
                interim = 0
                keepsAlive = head.keepsAlive
                body = HTTPBodyReader(head.framing)
                return .head(head)
            }
            interim += 1
            guard head.status != 101, interim <= limits.interimResponses else {
                throw HTTPParseError("the server answers \(head.status), which was not asked for")
            }
        }
        if isClosed { throw HTTPParseError("the connection ended ahead of the whole answer") }
        return nil
    }

    private mutating func readHead(_ method: HTTPMethod) throws(HTTPParseError) -> HTTPResponseHead?
    {
        if statusLine == nil {
            statusLine = try HTTPStatusLine(input, limits)
            section = HTTPFieldSection(
                from: statusLine?.end ?? 0,
                octetLimit: limits.sectionOctets
            )
        }
        guard let line = statusLine, try section.read(input, limits) else { return nil }
        statusLine = nil
        return try HTTPResponseHead(
            line: line,
            fields: HTTPFields(octets: input.take(section.end), lines: section.lines),
            isHead: method == .head,
            limits: limits
        )
    }

    private mutating func readBody() throws(HTTPParseError) -> HTTPResponseEvent? {
        switch try body?.next(&input, limits) {
        case .octets(let octets): return .body(octets)
        case .more where isClosed && body?.endsWithConnection == true, .end, nil:
            body = nil
            awaited.removeFirst()
            return .end
        case .more:
            if isClosed { throw HTTPParseError("the connection ended within the content") }
            return nil
        }
    }
}
