/// An absolute `http` or `https` URL, taken apart for a client (RFC 9110 §4.2): no user, no
/// fragment.
package struct HTTPURL: Sendable, Hashable, CustomStringConvertible {
    package let isSecure: Bool
    /// Lower case; an IPv6 address stands without its brackets.
    package let host: String
    package let port: Int
    /// Path and query as a request line carries them.
    package let target: String

    /// Nil for anything else. What a target cannot hold is percent-encoded.
    package init?(_ text: String) {
        let octets = [UInt8](text.utf8)
        let schemes: [(String, Bool)] = [("http://", false), ("https://", true)]
        guard
            let (scheme, isSecure) = schemes.first(where: {
                octets.prefix($0.0.utf8.count).equalsIgnoringCase($0.0)
            })
        else { return nil }
        let rest = octets.dropFirst(scheme.utf8.count)
        let authority = rest.prefix {
            ![HTTPOctet.slash, HTTPOctet.questionMark, HTTPOctet.numberSign].contains($0)
        }
        guard !authority.isEmpty, HTTPAuthority.isValid(authority) else { return nil }
        let isLiteral = authority.first == 0x5B
        let host =
            isLiteral
            ? authority.dropFirst().prefix { $0 != 0x5D }
            : authority.prefix { $0 != HTTPOctet.colon }
        let digits = authority[(host.endIndex + (isLiteral ? 1 : 0))...].dropFirst()
        let number =
            digits.isEmpty
            ? (isSecure ? 443 : 80)
            : Int(String(decoding: digits, as: UTF8.self)) ?? 0
        guard !host.isEmpty, 1...65_535 ~= number else { return nil }
        self.isSecure = isSecure
        self.host = String(decoding: host.map(HTTPOctet.lowered), as: UTF8.self)
        port = number
        let tail = rest[authority.endIndex...].prefix { $0 != HTTPOctet.numberSign }
        let slash = tail.first == HTTPOctet.questionMark ? "/" : ""
        target = slash + HTTPRequest.target(tail)
    }

    /// The value of Host: with the port only when it is not the scheme's own.
    package var authority: String {
        let name = host.utf8.contains(HTTPOctet.colon) ? "[\(host)]" : host
        return port == (isSecure ? 443 : 80) ? name : "\(name):\(port)"
    }

    package var description: String { "\(isSecure ? "https" : "http")://\(authority)\(target)" }
}
