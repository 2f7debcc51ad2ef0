package import Crypto

/// With what a domain signs its mail (RFC 6376 §3.1).
package struct DKIMKey: Sendable, Equatable {
    /// Lower case, A-labels.
    package let domain: String
    package let selector: String
    package let key: SigningKey

    package init(domain: String, selector: String, key: SigningKey) {
        self.domain = domain
        self.selector = selector
        self.key = key
    }

    /// Whether it answers for mail from there: its own domain, or one below it.
    func signs(for author: String) -> Bool {
        author == domain
            || author.utf8.count > domain.utf8.count && author.hasSuffix("." + domain)
    }

    /// RFC 6376 §3.3, RFC 8463 §3.
    var algorithm: String { key.kind == .rsa ? "rsa-sha256" : "ed25519-sha256" }

    /// RFC 8463 §3: Ed25519 signs the hash, not what was hashed.
    func sign(_ header: [UInt8]) throws(CryptoError) -> [UInt8] {
        try key.sign(key.kind == .rsa ? header : SHA256.digest(header.span))
    }
}

extension DKIMKey {
    /// Where verifiers look for the public half (RFC 6376 §3.6.2.1).
    package var recordName: String { "\(selector)._domainkey.\(domain)" }

    /// What they must find there (§3.6.1).
    package var record: String {
        "v=DKIM1; k=\(key.kind.rawValue); p=\(Base64Encoder.encode(key.publicKey.span))"
    }

    /// The same as the strings of a TXT record, of which none may have more than 255 octets.
    package var recordStrings: [String] {
        let octets = Array(record.utf8)
        return stride(from: 0, to: octets.count, by: 255).map {
            String(octets: octets.span.extracting($0..<min($0 + 255, octets.count)))
        }
    }
}
