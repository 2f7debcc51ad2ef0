import Crypto
package import Mail

/// The headers of the Standard Webhooks specification, by which a receiver knows the sender.
package struct WebhookSignature: Sendable {
    /// What the administrator is shown: `whsec_` and the key in base 64.
    package static let prefix = "whsec_"

    /// A key that nobody can guess, in its shown form.
    package static func newSecret() -> String {
        let key = SecureRandom.bytes(24)
        return prefix + Base64Encoder.encode(key.span)
    }

    /// The key in a shown secret; nil when it is none.
    static func key(of secret: String) -> [UInt8]? {
        guard secret.hasPrefix(prefix) else { return nil }
        var decoder = Base64Decoder()
        var key: [UInt8] = []
        do throws(Base64Error) {
            try decoder.decode(Array(secret.dropFirst(prefix.count).utf8).span, into: &key)
            try decoder.finish()
        } catch {
            return nil
        }
        return key.isEmpty ? nil : key
    }

    /// `webhook-id`, `webhook-timestamp` and `webhook-signature`, with a signature by each secret.
    package static func fields(
        id: String,
        at now: Timestamp,
        content: [UInt8],
        secrets: [String]
    ) -> [(String, String)] {
        let seconds = String(now.milliseconds / 1000)
        let signed = Array("\(id).\(seconds).".utf8) + content
        let signatures = secrets.compactMap { secret -> String? in
            guard let key = key(of: secret),
                let digest = try? HMAC.sha256(signed.span, key: key.span)
            else { return nil }
            return "v1," + Base64Encoder.encode(digest.span)
        }
        return [
            ("webhook-id", id), ("webhook-timestamp", seconds),
            ("webhook-signature", signatures.joined(separator: " ")),
        ]
    }
}
