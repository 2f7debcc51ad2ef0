/// Where a request of ours goes: `https://host[:port]/path?query`, or the same with `http`
/// (RFC 9110 §4.2). Neither user nor fragment: the one would be a secret in a configuration file, the
/// other is never sent.
package struct WebAddress: Sendable, Hashable, CustomStringConvertible {
    package let isSecure: Bool
    /// A name, or an address in digits without brackets.
    package let host: String
    package let port: Int
    /// Path and query.
    package let target: String

    /// Nil for anything else.
    package init?(_ text: String) {
        guard let scheme = text.firstIndex(of: ":"), text[scheme...].hasPrefix("://") else {
            return nil
        }
        switch text[..<scheme].lowercased() {
        case "https": isSecure = true
        case "http": isSecure = false
        default: return nil
        }
        let rest = text[text.index(scheme, offsetBy: 3)...]
        let end = rest.firstIndex { "/?#".contains($0) } ?? rest.endIndex
        let authority = rest[..<end]
        let target = String(rest[end...])
        guard !authority.contains("@"), !target.utf8.contains(where: { $0 <= 32 || $0 == 127 }),
            !target.contains("#"), let place = Self.place(authority, isSecure ? 443 : 80)
        else { return nil }
        (host, port) = (place.host.lowercased(), place.port)
        self.target = target.hasPrefix("/") ? target : "/" + target
    }

    private static func place(_ authority: Substring, _ usual: Int) -> HostPort? {
        guard authority.utf8.allSatisfy({ $0 > 32 && $0 < 127 && $0 != UInt8(ascii: "%") }) else {
            return nil
        }
        // HostPort takes a bare IPv6 address, an authority does not (RFC 3986 §3.2.2).
        let colons = authority.utf8.count { $0 == UInt8(ascii: ":") }
        guard authority.hasPrefix("[") || colons <= 1 else { return nil }
        let hasPort = authority.last != "]" && colons > 0
        return HostPort(hasPort ? String(authority) : "\(authority):\(usual)")
    }

    /// As the Host field has it: the port where it is not the usual one.
    var authority: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return port == (isSecure ? 443 : 80) ? name : "\(name):\(port)"
    }

    /// Without the query, which may hold a secret.
    package var description: String {
        let path = target.prefix { $0 != "?" }
        return "\(isSecure ? "https" : "http")://\(authority)\(path)"
    }
}
