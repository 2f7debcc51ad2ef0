package import Mail

/// Whom a webhook may call.
package enum WebhookAddress {
    /// Loopback and private addresses are where receivers stand; link-local ones are where clouds keep
    /// their secrets (169.254.0.0/16 RFC 3927, fe80::/10 RFC 4291 §2.5.6).
    package static func isAllowed(_ ip: IPAddress) -> Bool {
        switch ip.family {
        case .v4: ip.value >> 16 != 0xa9fe
        case .v6: ip.value >> 118 != 0xfe80 >> 6
        }
    }

    /// Asked for every address that a name leads to.
    static func isAllowed(_ text: String) -> Bool {
        IPAddress(text).map(isAllowed) ?? false
    }

    /// Why a URL cannot be called; nil when it can.
    package static func objection(to url: String) -> String? {
        guard let address = WebAddress(url), url.utf8.count <= 2000 else {
            return "must be a URL such as https://host.example/path, without user and fragment"
        }
        if let ip = IPAddress(address.host), !isAllowed(ip) {
            return "\(address.host) is link-local; loopback and private receivers are allowed"
        }
        return nil
    }
}
