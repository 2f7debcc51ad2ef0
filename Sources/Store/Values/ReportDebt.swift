package import Mail

/// Of what a sender is to hear.
package enum ReportKind: Int, Sendable, CaseIterable {
    case failed = 1
    case delayed = 2
    case delivered = 3
    /// Taken by a next hop that tells nobody what becomes of it.
    case relayed = 4

    /// The word of RFC 3464 §2.3.3.
    package var action: String {
        switch self {
        case .failed: "failed"
        case .delayed: "delayed"
        case .delivered: "delivered"
        case .relayed: "relayed"
        }
    }
}

/// A report that is owed for one recipient. It is written down with what earned it, and crossed out
/// with what pays it: whenever the process ends, it is told once.
package struct ReportDebt: Hashable, Sendable {
    package let recipient: RecipientKey
    package let id: MessageID
    package let kind: ReportKind
    package let since: Timestamp
}

/// What a `keep` demands of the moment: where it does not hold, nothing is kept and it throws
/// `.conflict`.
package enum KeepCondition: Sendable {
    /// All of them are still owed; they are crossed out, and each recipient's event tells so.
    case paying([ReportDebt], detail: [(String, String)])
    /// The first for its cause on that day (counted from 1970).
    case firstOfDay(Int, cause: String)
    /// Nobody else has a copy of that message yet. It is noted that somebody has; an event of the
    /// message tells it.
    case escalating(MessageKey, detail: [(String, String)])
}
