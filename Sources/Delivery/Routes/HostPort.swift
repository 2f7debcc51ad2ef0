import Mail

/// A host by name or address, and its port: `mail.example`, `mail.example:587`, `10.0.0.1:25`,
/// `[2001:db8::1]:25`.
package struct HostPort: Hashable, Sendable, CustomStringConvertible {
    /// Without brackets.
    package let host: String
    package let port: Int

    package init(host: String, port: Int = 25) {
        self.host = host
        self.port = port
    }

    /// Nil for anything that is not a host and, after a colon, a port.
    package init?(_ text: String) {
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { return nil }
            let host = text[text.index(after: text.startIndex)..<end]
            self.init(host: host, rest: text[text.index(after: end)...])
        } else if text.utf8.count(where: { $0 == UInt8(ascii: ":") }) > 1 {
            // An IPv6 address without brackets has no port.
            guard IPAddress(text) != nil else { return nil }
            self.init(host: text[...], rest: "")
        } else {
            let colon = text.firstIndex(of: ":") ?? text.endIndex
            self.init(host: text[..<colon], rest: text[colon...])
        }
    }

    private init?(host: Substring, rest: Substring) {
        // No blanks, and none of the marks by which people join several or write something else.
        let isPlain = host.utf8.allSatisfy { $0 > 32 && $0 != 127 && !";,/@<>[]".utf8.contains($0) }
        guard !host.isEmpty, isPlain else { return nil }
        if rest.isEmpty {
            self.init(host: String(host))
        } else {
            guard rest.utf8.first == UInt8(ascii: ":"), let port = UInt16(rest.dropFirst()),
                port > 0
            else { return nil }
            self.init(host: String(host), port: Int(port))
        }
    }

    /// As it is written: what a name stands for is not asked.
    package var isLoopback: Bool {
        host == "localhost" || host == "::1" || host.hasPrefix("127.")
    }

    /// Port 0 is that of a domain about which a name server was asked.
    package var description: String {
        if port == 0 { return host }
        return host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}
