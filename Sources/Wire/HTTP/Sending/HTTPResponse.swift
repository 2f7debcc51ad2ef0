import Mail

/// What of a request, and of the server's own plans, the form of its answer depends on.
package struct HTTPExchange: Sendable, Equatable {
    package let isHead: Bool
    package let version: HTTPVersion
    /// Whether the connection is used again afterwards.
    package var keepsAlive: Bool

    package init(isHead: Bool, version: HTTPVersion, keepsAlive: Bool) {
        self.isHead = isHead
        self.version = version
        self.keepsAlive = keepsAlive
    }

    package init(_ head: HTTPRequestHead) {
        self.init(isHead: head.method == .head, version: head.version, keepsAlive: head.keepsAlive)
    }

    /// For a request that could not be read.
    package static let closing = HTTPExchange(isHead: false, version: .http11, keepsAlive: false)
}

/// An answer's status and fields, ready to be written. The fields that frame the message are not
/// its business: `Content-Length`, `Transfer-Encoding`, `Connection` and `Date` are written from
/// the arguments, and left out when appended by hand.
package struct HTTPResponse: Sendable, Equatable {
    package let status: Int
    private var fieldOctets: [UInt8] = []

    package init(_ status: Int) { self.status = status }

    /// `HTTP/1.1 100 Continue`, RFC 9110 §15.2.1.
    package static let goOn = [UInt8]("HTTP/1.1 100 Continue\r\n\r\n".utf8)

    /// Octets that would end or split the line are replaced; nothing can be injected.
    package mutating func append(_ name: String, _ value: String) {
        guard !HTTPFieldText.isReserved(name) else { return }
        if fieldOctets.isEmpty { fieldOctets.reserveCapacity(256) }
        HTTPFieldText.append(name, value, to: &fieldOctets)
    }

    /// The whole answer, appended to `output`. The content is left out where HTTP allows none.
    package func write(
        _ content: Span<UInt8>,
        answering exchange: HTTPExchange,
        date: String,
        to output: inout [UInt8]
    ) {
        output.reserveCapacity(output.count + fieldOctets.count + content.count + 160)
        writeStart(exchange, date, to: &output)
        if HTTPStatus.allowsContent(status) {
            Self.writeLength(content.count, to: &output)
        }
        HTTPFieldText.appendLineEnd(to: &output)
        if HTTPStatus.allowsContent(status), !exchange.isHead {
            output.append(content)
        }
    }

    /// The head of an answer whose content follows through the writer that comes back. Without a
    /// length it is chunked; an HTTP/1.0 client gets it plain, up to the end of the connection.
    package func begin(
        contentLength: Int?,
        answering exchange: HTTPExchange,
        date: String,
        to output: inout [UInt8]
    ) -> HTTPContentWriter {
        let allowsContent = HTTPStatus.allowsContent(status)
        let isUnbounded = allowsContent && contentLength == nil && exchange.version == .http10
        var exchange = exchange
        if isUnbounded { exchange.keepsAlive = false }
        writeStart(exchange, date, to: &output)
        let isChunked = allowsContent && contentLength == nil && !isUnbounded
        if allowsContent, let contentLength { Self.writeLength(contentLength, to: &output) }
        if isChunked { HTTPFieldText.append("Transfer-Encoding", "chunked", to: &output) }
        HTTPFieldText.appendLineEnd(to: &output)
        return HTTPContentWriter(
            isChunked: isChunked,
            isSilent: exchange.isHead || !allowsContent,
            keepsAlive: exchange.keepsAlive
        )
    }

    private func writeStart(
        _ exchange: HTTPExchange,
        _ date: String,
        to output: inout [UInt8]
    ) {
        output.append(contentsOf: "HTTP/1.1 ".utf8)
        output.append(contentsOf: String(status).utf8)
        output.append(HTTPOctet.space)
        output.append(contentsOf: HTTPStatus.phrase(status).utf8)
        HTTPFieldText.appendLineEnd(to: &output)
        HTTPFieldText.append("Date", date, to: &output)
        if !exchange.keepsAlive {
            HTTPFieldText.append("Connection", "close", to: &output)
        } else if exchange.version == .http10 {
            HTTPFieldText.append("Connection", "keep-alive", to: &output)
        }
        output.append(contentsOf: fieldOctets)
    }

    private static func writeLength(_ length: Int, to output: inout [UInt8]) {
        output.append(contentsOf: "Content-Length: ".utf8)
        output.append(contentsOf: String(length).utf8)
        HTTPFieldText.appendLineEnd(to: &output)
    }
}
