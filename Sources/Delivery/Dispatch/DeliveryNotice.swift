package import Mail
package import Store

/// What delivery tells the log. What becomes of single recipients is told by the store's events.
package enum DeliveryNotice: Equatable, Sendable, CustomStringConvertible {
    case routeRests(String, reason: String, until: Timestamp)
    case routeRecovered(String)
    /// Mail waits for a send connector that is not configured.
    case routeUnknown(String)
    case contentUnreadable(MessageID, String)
    /// Outcomes cannot be written; nothing more is attempted until they can.
    case storeRefuses(String)
    case storeTakesAgain
    case recovered(Int)
    case routeSuspended(RouteSuspension)
    case routeResumed(String, by: String)

    package var description: String {
        switch self {
        case .routeRests(let name, let reason, _): "route \(name) rests: \(reason)"
        case .routeRecovered(let name): "route \(name) works again"
        case .routeUnknown(let name): "mail waits for route \(name), which is not configured"
        case .contentUnreadable(let id, let reason): "\(id): \(reason)"
        case .storeRefuses(let reason): "delivery waits, outcomes cannot be written: \(reason)"
        case .storeTakesAgain: "delivery goes on"
        case .routeSuspended(let it): "route \(it.route) is suspended by \(it.by): \(it.reason)"
        case .routeResumed(let name, let who): "route \(name) is resumed by \(who)"
        case .recovered(let count): "\(count) recipients were being sent when the process ended"
        }
    }
}

/// What became of a recipient, once it is written.
package struct SettledRecipient: Sendable, Equatable {
    package let id: MessageID
    package let key: RecipientKey
    package let mailbox: Mailbox
    package let route: String
    package let status: RecipientStatus
    package let attempts: Int
    package let nextAttemptAt: Timestamp?
    package let reply: NextHopReply?
    /// The sender is to hear of it.
    package let earnsReport: Bool
    /// Somebody else is to have a copy.
    package let escalates: Bool

    package init(
        id: MessageID,
        key: RecipientKey,
        mailbox: Mailbox,
        route: String,
        status: RecipientStatus,
        attempts: Int,
        nextAttemptAt: Timestamp?,
        reply: NextHopReply?,
        earnsReport: Bool = false,
        escalates: Bool = false
    ) {
        self.id = id
        self.key = key
        self.mailbox = mailbox
        self.route = route
        self.status = status
        self.attempts = attempts
        self.nextAttemptAt = nextAttemptAt
        self.reply = reply
        self.earnsReport = earnsReport
        self.escalates = escalates
    }
}

/// A route at one moment.
package struct RouteState: Sendable, Equatable {
    package let name: String
    /// False when mail waits for a route of this name and none is configured.
    package let isConfigured: Bool
    package let suspension: RouteSuspension?
    /// Recipients in memory that wait; the store may hold more.
    package let waiting: Int
    package let holdsAll: Bool
    package let sending: Int
    package let connections: Int
    package let restsUntil: Timestamp?
    /// Its mail had better go another way, where there is one: its upstream has suspended it, its
    /// quota is used up, or it has rested for a while and still does.
    package let isUnwell: Bool
    package let restReason: String?
    /// Hosts that are passed over, and until when.
    package let ailingHosts: [AilingHost]
    package let lastError: String?
    package let lastErrorAt: Timestamp?
    package let lastSuccessAt: Timestamp?
}

/// A next hop that was found dead.
package struct AilingHost: Sendable, Equatable {
    package let host: String
    package let reason: String
    package let until: Timestamp
}
