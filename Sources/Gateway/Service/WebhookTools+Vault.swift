import Delivery
import Mail
import Store

extension WebhookTools {
    /// With the secrets as the vault keeps them.
    init(store: MailStore, surroundings: Surroundings, _ vault: SecretVault, _ log: Log) {
        let clock = surroundings.clock
        self.init(
            store: store,
            surroundings: surroundings,
            userAgent: "Postern/\(Version.text)",
            secrets: { webhook in
                var boxes = [webhook.secret]
                if let old = webhook.oldSecret, let end = webhook.oldSecretUntil, end > clock() {
                    boxes.append(old)
                }
                return boxes.compactMap { box in
                    guard let octets = try? vault.open(box, for: webhook.id) else { return nil }
                    return String(decoding: octets, as: UTF8.self)
                }
            },
            log: { id, reason in
                log.warning("webhook disabled", ["webhook": id.description, "reason": reason])
            }
        )
    }
}
