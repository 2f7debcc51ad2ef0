/// The state of one recipient. Raw values rank from worst to best, so that a message's status is
/// the least of its recipients' (in the rows too; they leave room for more).
package enum RecipientStatus: Int, CaseIterable, Sendable {
    case failed = 10
    case expired = 20
    /// The connection was lost after the final dot.
    case uncertain = 30
    case suppressed = 40
    case deferred = 50
    case held = 60
    case sending = 70
    case queued = 80
    case scheduled = 90
    case canceled = 100
    /// The next hop took it.
    case relayed = 110
    case delivered = 120

    /// Nothing more happens to it by itself. `uncertain` counts as unfinished here; without a due
    /// time it waits for an operator.
    package var isFinal: Bool {
        switch self {
        case .failed, .expired, .suppressed, .canceled, .relayed, .delivered: true
        case .uncertain, .deferred, .held, .sending, .queued, .scheduled: false
        }
    }

    /// The word that users read.
    package var name: String {
        // Written out: the compiler's own names are found by reflection, 2 µs each.
        switch self {
        case .failed: "failed"
        case .expired: "expired"
        case .uncertain: "uncertain"
        case .suppressed: "suppressed"
        case .deferred: "deferred"
        case .held: "held"
        case .sending: "sending"
        case .queued: "queued"
        case .scheduled: "scheduled"
        case .canceled: "canceled"
        case .relayed: "relayed"
        case .delivered: "delivered"
        }
    }

    package init?(name: some StringProtocol) {
        guard let status = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = status
    }

    /// Nil for no recipient at all.
    package static func worst(of statuses: some Sequence<RecipientStatus>) -> RecipientStatus? {
        statuses.min { $0.rawValue < $1.rawValue }
    }
}
