package import Mail

/// The last words of a next hop about a recipient.
package struct NextHopReply: Sendable, Equatable {
    /// 0 when nothing was answered and `text` tells why.
    package var code: Int
    package var enhanced: String?
    package var text: String
    package var host: String
    package var at: Timestamp

    package init(code: Int, enhanced: String? = nil, text: String, host: String, at: Timestamp) {
        self.code = code
        self.enhanced = enhanced
        self.text = text
        self.host = host
        self.at = at
    }
}

/// What an attempt did to one recipient.
package struct Settlement: Sendable {
    package var key: RecipientKey
    package var status: RecipientStatus
    package var attempts: Int
    /// When to try again. Without one the recipient waits for an operator (`uncertain`), or for
    /// nothing (a final status, where it is ignored); any other status is then due at `at`.
    package var due: Timestamp?
    /// Nil leaves the earlier reply.
    package var reply: NextHopReply?
    package var at: Timestamp
    /// The type of the event that tells it, mostly the status's name.
    package var event: String
    package var route: String
    /// Goes to the event.
    package var detail: [(String, String)]
    /// Goes there too: members of a JSON object as text.
    package var facts: String?
    /// What the sender is to hear of it.
    package var report: ReportKind?
    /// Somebody else is to have a copy at once.
    package var escalates: Bool

    /// The event is named after the status unless another name is given.
    package init(
        key: RecipientKey,
        status: RecipientStatus,
        attempts: Int,
        due: Timestamp? = nil,
        reply: NextHopReply? = nil,
        at: Timestamp,
        event: String? = nil,
        route: String,
        detail: [(String, String)] = [],
        facts: String? = nil,
        report: ReportKind? = nil,
        escalates: Bool = false
    ) {
        self.key = key
        self.status = status
        self.attempts = attempts
        self.due = due
        self.reply = reply
        self.at = at
        self.event = event ?? status.name
        self.route = route
        self.detail = detail
        self.facts = facts
        self.report = report
        self.escalates = escalates
    }
}

/// What an operator's order changed.
package struct StateChange: Sendable {
    /// Every recipient that changed: what a queue in memory must forget.
    package var keys: [RecipientKey]
    /// Those of them that are to be sent: what it must take anew.
    package var entries: [QueueEntry]
    /// Why a recipient in a state for it did not change.
    package var obstacle: String?
}
