/// A request of ours, ready to be written. `Host` and the fields that frame the message are written
/// from the arguments, and left out when appended by hand.
package struct HTTPRequest: Sendable, Equatable {
    package let method: HTTPMethod
    package let target: String
    package let authority: String
    private var fieldOctets: [UInt8] = []

    /// `target`: path and query; what a request line cannot hold is percent-encoded.
    /// `authority`: host, and port if it is not the usual one.
    package init(_ method: HTTPMethod, _ target: String, authority: String) {
        self.method = method
        self.target = Self.target([UInt8](target.utf8)[...])
        self.authority = authority
    }

    package init(_ method: HTTPMethod, _ url: HTTPURL) {
        self.init(method, url.target, authority: url.authority)
    }

    /// Octets that would end or split the line are replaced; nothing can be injected.
    package mutating func append(_ name: String, _ value: String) {
        let isHost = [UInt8](name.utf8)[...].equalsIgnoringCase("host")
        guard !isHost, !HTTPFieldText.isReserved(name) else { return }
        HTTPFieldText.append(name, value, to: &fieldOctets)
    }

    /// The whole request, appended to `output`.
    package func write(
        _ content: Span<UInt8>,
        keepsAlive: Bool = true,
        to output: inout [UInt8]
    ) {
        let announcesLength =
            !content.isEmpty || ![.get, .head, .delete, .options].contains(method)
        let writer = begin(
            contentLength: announcesLength ? .octets(content.count) : .noContent,
            keepsAlive: keepsAlive,
            to: &output
        )
        writer.write(content, to: &output)
    }

    package enum ContentLength: Sendable, Equatable {
        case noContent
        case octets(Int)
        /// Known only at its end: the content is chunked.
        case unknown
    }

    /// The head of a request whose content follows through the writer that comes back.
    package func begin(
        contentLength: ContentLength,
        keepsAlive: Bool = true,
        to output: inout [UInt8]
    ) -> HTTPContentWriter {
        HTTPFieldText.append(name: method.name, to: &output)
        output.append(HTTPOctet.space)
        output.append(contentsOf: target.utf8)
        output.append(contentsOf: " HTTP/1.1\r\n".utf8)
        HTTPFieldText.append("Host", authority, to: &output)
        if !keepsAlive { HTTPFieldText.append("Connection", "close", to: &output) }
        switch contentLength {
        case .noContent: break
        case .octets(let count): HTTPFieldText.append("Content-Length", "\(count)", to: &output)
        case .unknown: HTTPFieldText.append("Transfer-Encoding", "chunked", to: &output)
        }
        output.append(contentsOf: fieldOctets)
        HTTPFieldText.appendLineEnd(to: &output)
        return HTTPContentWriter(
            isChunked: contentLength == .unknown,
            isSilent: contentLength == .noContent,
            keepsAlive: keepsAlive
        )
    }

    static func target(_ octets: ArraySlice<UInt8>) -> String {
        let target = PercentCoding.encoded(octets, keeping: .target)
        return target.isEmpty ? "/" : String(decoding: target, as: UTF8.self)
    }
}
