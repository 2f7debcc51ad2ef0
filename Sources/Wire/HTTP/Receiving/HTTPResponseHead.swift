import Mail

/// A response without its content.
package struct HTTPResponseHead: Sendable, Equatable {
    /// 200 to 599.
    package let status: Int
    package let reason: String
    package let version: HTTPVersion
    package let fields: HTTPFields
    package let framing: HTTPFraming
    /// Whether the connection can carry another request.
    package let keepsAlive: Bool

    /// `isHead`: whether HEAD was asked, whose answer describes content it does not have.
    init(
        line: HTTPStatusLine,
        fields: HTTPFields,
        isHead: Bool,
        limits: HTTPLimits
    ) throws(HTTPParseError) {
        let facts = try HTTPMessageFacts(fields, line.version)
        status = line.status
        reason = line.reason
        version = line.version
        self.fields = fields
        if isHead || !HTTPStatus.allowsContent(line.status) {
            framing = .none
        } else if facts.isChunked {
            framing = .chunked
        } else {
            framing = facts.contentLength.map { .length($0) } ?? .untilClose
        }
        if case .length(let length) = framing, length > limits.bodyOctets {
            throw HTTPParseError("the content is longer than \(limits.bodyOctets) octets")
        }
        keepsAlive = framing != .untilClose && facts.keepsAlive(line.version)
    }
}

/// `HTTP/1.x SP status SP reason CRLF`, RFC 9112 §4; servers that leave out the blank behind the
/// status are forgiven.
struct HTTPStatusLine {
    let version: HTTPVersion
    let status: Int
    let reason: String
    /// Behind the CRLF.
    let end: Int

    /// Nil: the line goes on behind `input`.
    init?(_ input: HTTPInput, _ limits: HTTPLimits) throws(HTTPParseError) {
        let bytes = input.octets.span.extracting(input.start..<input.octets.count)
        let window = limits.statusLineOctets + 2
        var lineFeed = 0
        while lineFeed < min(bytes.count, window), bytes[lineFeed] != HTTPOctet.lineFeed {
            lineFeed += 1
        }
        guard lineFeed < window else { throw HTTPParseError("the status line is too long") }
        guard lineFeed < bytes.count else { return nil }
        guard lineFeed > 0, bytes[lineFeed - 1] == HTTPOctet.carriageReturn else {
            throw HTTPParseError("the status line ends in a bare line feed")
        }
        var line: [UInt8] = []
        line.append(bytes.extracting(0..<lineFeed - 1))
        guard line.count >= 12, line.starts(with: "HTTP/1.".utf8), HTTPOctet.isDigit(line[7]),
            line[8] == HTTPOctet.space, line[9..<12].allSatisfy(HTTPOctet.isDigit),
            line.count == 12 || line[12] == HTTPOctet.space,
            line.allSatisfy(HTTPOctet.isFieldText)
        else { throw HTTPParseError("the answer does not begin with an HTTP/1.1 status line") }
        version = line[7] == 0x30 ? .http10 : .http11
        status = line[9..<12].reduce(0) { $0 * 10 + Int($1) - 0x30 }
        guard 100...599 ~= status else { throw HTTPParseError("the status \(status) is unknown") }
        reason = String(decoding: line.dropFirst(13), as: UTF8.self)
        end = lineFeed + 1
    }
}
