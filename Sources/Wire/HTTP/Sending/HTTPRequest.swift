import Mail

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
        self.target = Self.target(target)
        self.authority = authority
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
        HTTPFieldText.append(name: method.name, to: &output)
        output.append(HTTPOctet.space)
        output.append(target)
        output.append(" HTTP/1.1\r\n")
        HTTPFieldText.append("Host", authority, to: &output)
        if !keepsAlive { HTTPFieldText.append("Connection", "close", to: &output) }
        if !content.isEmpty || ![.get, .head, .delete, .options].contains(method) {
            HTTPFieldText.append("Content-Length", "\(content.count)", to: &output)
        }
        output.append(contentsOf: fieldOctets)
        HTTPFieldText.appendLineEnd(to: &output)
        output.append(content)
    }

    private static func target(_ text: String) -> String {
        let target = PercentCoding.encoded(text.utf8, keeping: .target)
        return target.isEmpty ? "/" : String(decoding: target, as: UTF8.self)
    }
}
