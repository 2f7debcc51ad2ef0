package import Mail

/// The rules of the gateway, in the order in which they are asked.
package enum Rule: String, Hashable, Sendable, CaseIterable {
    case connector, tls, submit, sender, recipient, limits, route
}

/// What one rule said. A finding without a refusal lets the submission pass on.
package struct Finding: Sendable {
    package let rule: Rule
    package let refusal: Refusal?
    /// Most decisions are never read: the words are found when somebody asks for them.
    private let words: @Sendable () -> String

    init(
        _ rule: Rule,
        _ note: @autoclosure @escaping @Sendable () -> String,
        refusal: Refusal? = nil
    ) {
        self.rule = rule
        self.refusal = refusal
        words = note
    }

    package var note: String { words() }

    static func refuse(
        _ rule: Rule,
        _ note: @autoclosure @escaping @Sendable () -> String,
        _ reply: Reply
    ) -> Finding {
        Finding(rule, note(), refusal: Refusal(rule: rule, reply: reply))
    }
}

extension Finding: Hashable {
    package static func == (left: Finding, right: Finding) -> Bool {
        left.rule == right.rule && left.refusal == right.refusal && left.note == right.note
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(rule)
        hasher.combine(note)
    }
}

/// An SMTP reply (RFC 5321 §4.2) with its enhanced status code (RFC 3463).
package struct Reply: Error, Hashable, Sendable {
    package let code: Int
    package let enhanced: String
    package let text: String

    package init(_ code: Int, _ enhanced: String, _ text: String) {
        self.code = code
        self.enhanced = enhanced
        self.text = text
    }
}

package struct Refusal: Hashable, Sendable {
    package let rule: Rule
    package let reply: Reply

    /// Silence refuses: a mail for nobody is not kept.
    static let noRecipients = Refusal(
        rule: .recipient,
        reply: Reply(503, "5.5.2", "Need rcpt command")
    )
}

/// A recipient that was turned away, and why.
package struct RefusedRecipient: Hashable, Sendable {
    package let mailbox: Mailbox
    package let refusal: Refusal
}

/// What becomes of a submission, and why. The same value answers the sender, fills the log and is
/// printed by `explain`.
package struct Decision: Hashable, Sendable {
    /// Every rule asked, in order.
    package let findings: [Finding]
    /// Nil when nothing may be kept.
    package let approval: Approval?
    /// Why the submission as a whole was refused.
    package let refusal: Refusal?
    /// The recipients that were refused one by one.
    package let refused: [RefusedRecipient]
}

/// The replies of the relay rules, in the words that Exchange administrators search for.
extension Reply {
    package static let noConnector = Reply(421, "4.3.2", "Service not available")
    package static let mustStartTLS = Reply(
        451,
        "5.7.3",
        "Must issue a STARTTLS command first"
    )
    package static let notAuthenticated = Reply(
        530,
        "5.7.57",
        "SMTP; Client was not authenticated to send anonymous mail during MAIL FROM"
    )
    package static let senderNotAllowed = Reply(
        550,
        "5.7.60",
        "SMTP; Client does not have permissions to send as this sender"
    )
    package static let unableToRelay = Reply(
        550,
        "5.7.54",
        "SMTP; Unable to relay recipient in non-accepted domain"
    )
    package static let recipientNotAllowed = Reply(
        550,
        "5.7.1",
        "SMTP; Client does not have permissions to send to this recipient"
    )
    package static let messageTooLarge = Reply(
        552,
        "5.3.4",
        "Message size exceeds fixed maximum message size"
    )
    package static let tooManyRecipients = Reply(452, "4.5.3", "Too many recipients")
    package static let rateExceeded = Reply(
        421,
        "4.4.2",
        "Message submission rate for this client has exceeded the configured limit"
    )
    package static let tooManyConnections = Reply(
        421,
        "4.3.2",
        "The maximum number of concurrent connections has exceeded a limit, "
            + "closing transmission channel"
    )
    package static let insufficientResources = Reply(452, "4.3.1", "Insufficient system resources")
    package static let tooManyHops = Reply(
        554,
        "5.4.6",
        "Hop count exceeded - possible mail loop"
    )
    package static let noRoute = Reply(
        550,
        "5.4.4",
        "Unable to route: no send connector serves this recipient"
    )
}
