import Mail
import Store

extension DeliverySettings {
    /// What the sender is to hear of a recipient that is now in this state: failure unless NOTIFY says
    /// otherwise, success only where it was asked for (RFC 3461 §4.1), and never a report about mail
    /// of the null sender (§5.2.9). `handsOn`: the next hop has heard what was asked for and will
    /// report itself (§5.2.1).
    func report(on entry: QueueEntry, as status: RecipientStatus, handsOn: Bool) -> ReportKind? {
        let notify = entry.dsn?.recipient.notify
        let kind: ReportKind
        switch status {
        case .relayed:
            guard notify?.contains(.success) == true, !handsOn else { return nil }
            kind = .relayed
        case .delivered:
            guard notify?.contains(.success) == true else { return nil }
            kind = .delivered
        case .failed, .expired:
            guard notify?.contains(.failure) ?? true else { return nil }
            kind = .failed
        case .uncertain, .suppressed, .deferred, .held, .sending, .queued, .scheduled, .canceled:
            return nil
        }
        guard notifySender, entry.sender != .null else { return nil }
        return kind
    }
}
