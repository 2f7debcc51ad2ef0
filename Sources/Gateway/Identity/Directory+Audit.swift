import Mail
import Policy
import Store

/// What is unsafe about applications, keys and credentials.
extension Directory {
    static let auditCodes = ["any_sender", "old_key", "unused_key", "unused_credential"]

    private static let longUnused: Duration = .seconds(90 * 86_400)

    func audit(at now: Timestamp) -> [AuditFinding] {
        let anySender = applications.filter { $0.senders.contains("*") }.map {
            AuditFinding(
                .warning,
                "any_sender",
                of: $0.name,
                "may send as anyone; list its senders (--sender) instead"
            )
        }
        return anySender + auditKeys(at: now) + auditCredentials(at: now)
    }

    private func auditKeys(at now: Timestamp) -> [AuditFinding] {
        let live = allKeys.filter { $0.revokedAt == nil && ($0.expiresAt ?? now) >= now }
        let old = live.filter { $0.expiresAt == nil && now - $0.createdAt > .seconds(365 * 86_400) }
            .map {
                AuditFinding(
                    .warning,
                    "old_key",
                    of: "key_\($0.id)",
                    "is older than a year and never expires; rotate it"
                )
            }
        let unused = live.filter { now - ($0.lastUsedAt ?? $0.createdAt) > Self.longUnused }.map {
            AuditFinding(
                .warning,
                "unused_key",
                of: "key_\($0.id)",
                "was not used for 90 days; revoke it if nobody misses it"
            )
        }
        return old + unused
    }

    private func auditCredentials(at now: Timestamp) -> [AuditFinding] {
        credentials.filter { now - ($0.lastUsedAt ?? $0.createdAt) > Self.longUnused }.map {
            AuditFinding(
                .warning,
                "unused_credential",
                of: $0.username,
                "was not used for 90 days; remove the credential if no device misses it"
            )
        }
    }
}
