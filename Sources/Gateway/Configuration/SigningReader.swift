import Crypto
import Mail
import Policy

extension ConfigurationDraft {
    /// The keys with which a send connector signs (RFC 6376).
    mutating func readSigning(
        _ reader: SettingsReader,
        _ name: String,
        _ readSecret: (String) -> String?
    ) -> [DKIMKey] {
        var keys: [DKIMKey] = []
        let example =
            "{ domain: \"corp.example\", selector: \"p1\", keyFile: \"/etc/postern/dkim.pem\" }"
        for entry in reader.objects("dkim", like: example) {
            guard let key = readKey(entry, readSecret) else { continue }
            if keys.contains(where: { ($0.domain, $0.selector) == (key.domain, key.selector) }) {
                entry.note("selector", "\(key.selector) of \(key.domain) is listed twice")
            }
            if key.key.kind == .rsa, key.key.bits < 2048 {
                warnings.append(
                    AuditFinding(
                        .warning,
                        "weak_dkim_key",
                        of: name,
                        "the DKIM key \(key.recordName) has \(key.key.bits) bits; make one of 2048"
                            + " with postern dkim new"
                    )
                )
            }
            keys.append(key)
        }
        return keys
    }

    private func readKey(
        _ entry: SettingsReader,
        _ readSecret: (String) -> String?
    ) -> DKIMKey? {
        let domain = entry.value("domain", "a domain") { SigningNames.domain($0) }
        let selector = entry.value("selector", "a selector such as \"p1\"") {
            SigningNames.selector($0)
        }
        let file = entry.string("keyFile")
        entry.finish(knownTo: "dkim")
        for key in ["domain", "selector", "keyFile"] where !entry.isGiven(key) {
            entry.note(key, "is missing; dkim needs domain, selector and keyFile")
        }
        guard let domain, let selector, let file else { return nil }
        guard let pem = readSecret(file) else {
            entry.note("keyFile", "\(file) cannot be read; postern dkim new makes a key")
            return nil
        }
        guard let key = try? SigningKey(pem: pem) else {
            entry.note("keyFile", "\(file) holds no RSA or Ed25519 private key in PEM")
            return nil
        }
        guard key.kind != .rsa || key.bits >= 1024 else {
            entry.note("keyFile", "\(file) has \(key.bits) bits; RFC 8301 wants 1024 at least")
            return nil
        }
        return DKIMKey(domain: domain, selector: selector, key: key)
    }
}

/// What may stand in the name of a DKIM record.
enum SigningNames {
    /// In lower case and A-labels; nil for an address literal and anything else.
    static func domain(_ text: String) -> String? {
        guard let domain = try? Mailbox.domain(parsing: text), !domain.hasPrefix("[") else {
            return nil
        }
        return domain
    }

    /// Labels of letters, digits and hyphens with dots between them (RFC 6376 §3.1).
    static func selector(_ text: String) -> String? {
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        let isGood = labels.allSatisfy { label in
            (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
                && label.utf8.allSatisfy { octet in
                    octet &- 48 < 10 || octet | 32 &- 97 < 26 || octet == UInt8(ascii: "-")
                }
        }
        return isGood ? text.lowercased() : nil
    }
}
