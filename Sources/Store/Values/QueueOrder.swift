package import Mail

/// What an operator may order for recipients.
package enum Order: Hashable, Sendable {
    case cancel
    /// Send at once what waits or was given up.
    case retry
    case hold
    /// Let go what is held, at once or when it was scheduled.
    case release
    /// By another route from now on, at once.
    case reroute(to: String)
    /// The same for what is on the list of escalations: once for each recipient. It leaves the list,
    /// or waits there for the next step.
    case escalate(to: String, because: String, next: Timestamp?)

    /// The type of the event that tells it.
    package var event: String {
        switch self {
        case .cancel: "canceled"
        case .retry: "retried"
        case .hold: "held"
        case .release: "released"
        case .reroute: "rerouted"
        case .escalate: "escalated"
        }
    }
}

extension Order {
    /// A recipient being sent is nobody's to change: what the next hop says will decide.
    func applies(to status: RecipientStatus, isDue: Bool) -> Bool {
        switch self {
        case .cancel: isDue && status != .sending
        case .retry:
            [.queued, .deferred, .failed, .expired, .uncertain, .suppressed].contains(status)
        case .hold: isDue && status != .sending && status != .held
        case .release: status == .held
        case .escalate: status == .queued || status == .deferred
        case .reroute:
            [
                .queued, .deferred, .held, .scheduled, .failed, .expired, .uncertain, .suppressed,
            ].contains(status)
        }
    }

    /// The state after it, and when the recipient is due then.
    func outcome(
        of status: RecipientStatus,
        due: Timestamp?,
        sendAt: Timestamp?,
        now: Timestamp
    ) -> (status: RecipientStatus, due: Timestamp?) {
        switch self {
        case .cancel: return (.canceled, nil)
        case .hold: return (.held, due ?? now)
        case .retry, .escalate: return (.queued, now)
        case .release:
            guard let sendAt, sendAt > now else { return (.queued, now) }
            return (.scheduled, sendAt)
        case .reroute:
            // What waits for its time, for an operator, or may have arrived goes on waiting for it.
            let waits: [RecipientStatus] = [.held, .scheduled, .uncertain]
            return waits.contains(status) ? (status, due) : (.queued, now)
        }
    }

    /// The recipient is sent again though nothing more was to happen to it.
    package func revives(_ status: RecipientStatus) -> Bool {
        switch self {
        case .retry, .reroute: status.isFinal || status == .uncertain
        case .cancel, .hold, .release, .escalate: false
        }
    }
}

/// Which recipients an order is for; what is nil does not narrow it. Without a status it is for those
/// that wait, not for those that are done.
package struct QueueFilter: Hashable, Sendable {
    /// An address, or `@domain`.
    package var recipient: String?
    /// An address, `@domain`, or empty for the null sender.
    package var sender: String?
    package var application: ApplicationID?
    package var route: String?
    package var status: RecipientStatus?
    /// One message, whatever its recipients' states.
    package var message: MessageID?

    package init(
        recipient: String? = nil,
        sender: String? = nil,
        application: ApplicationID? = nil,
        route: String? = nil,
        status: RecipientStatus? = nil,
        message: MessageID? = nil
    ) {
        self.recipient = recipient
        self.sender = sender
        self.application = application
        self.route = route
        self.status = status
        self.message = message
    }
}
