import Delivery
import Mail
import Policy
import Store

/// The step to somebody else, for one message: a copy as a new message, once, whatever becomes of
/// the message's other recipients.
struct EscalationCopy {
    private let record: MessageRecord
    private let overdue: [Overdue]
    private let application: ApplicationRecord
    private let house: House

    private var keys: [RecipientKey] { overdue.map(\.key) }

    init(
        of record: MessageRecord,
        for overdue: [Overdue],
        _ application: ApplicationRecord,
        _ house: House
    ) {
        self.record = record
        self.overdue = overdue
        self.application = application
        self.house = house
    }

    /// Afterwards none of them is due. Throws where the store does not take it now.
    func send(at now: Timestamp) async throws(StoreError) {
        guard let text = application.escalateTo, let to = try? Mailbox(parsing: text) else {
            return try await store.forgetEscalations(keys)
        }
        // The rules may have changed since somebody wrote the address down.
        if let refusal = house.configuration.rulebook.refusal(of: to, for: application) {
            return try await giveUp(to, because: refusal.reason, at: now)
        }
        let reason = reason
        let offer = try await EscalationOffer(to, record, application, because: reason, house)
            .offer()
        let names = record.undelivered.map(\.mailbox.description).joined(separator: ", ")
        let detail = [
            ("step", "recipient"), ("to", to.description), ("id", offer.id.description),
            ("recipients", names), ("reason", reason),
        ]
        let outcome: Desk.Outcome
        do throws(StoreError) {
            outcome = try await house.desk.take(
                [offer],
                condition: .escalating(record.key, detail: detail)
            )
        } catch .conflict {
            // Something changed meanwhile; what is still to be done is found again.
            return try await store.postponeEscalations(keys, to: now + .seconds(4))
        }
        switch outcome {
        case .refused(let decisions):
            let reply = decisions[0].refusal?.reply
            let words = reply.map { "\($0.code) \($0.enhanced) \($0.text)" } ?? "no rule allows it"
            try await giveUp(to, because: "the copy is refused: \(words)", at: now)
        case .kept(let receipts): tell(to, receipts)
        case .replayed, .mismatched: break
        }
    }

    private var store: MailStore { house.store }

    private func tell(_ to: Mailbox, _ receipts: [Receipt]) {
        let facts: KeyValuePairs = [
            "id": record.id.description, "to": to.description,
            "copy": receipts.first?.offer.id.description ?? "",
        ]
        if receipts.contains(where: { !$0.suppressed.isEmpty }) {
            house.log.warning("mail is escalated to a suppressed address", facts)
        } else {
            house.log.info("mail is escalated", facts)
        }
    }

    private func giveUp(_ to: Mailbox, because reason: String, at now: Timestamp)
        async throws(StoreError)
    {
        try await store.giveUpEscalation(
            of: keys,
            detail: [("step", "recipient"), ("to", to.description), ("reason", reason)],
            at: now
        )
        house.log.warning(
            "mail is not escalated",
            ["id": record.id.description, "to": to.description, "reason": reason]
        )
        await house.tellPostmaster(.notEscalated(record, to: to, because: reason))
    }

    /// What the first of them has come to.
    private var reason: String {
        let first = overdue.first { record.recipients.indices.contains($0.key.index) }
        guard let first else { return "not delivered" }
        let recipient = record.recipients[first.key.index]
        switch recipient.status {
        case .failed: return "failed: \(recipient.lastReply?.spoken ?? "no reason is known")"
        case .expired: return "not delivered until it expired"
        case .suppressed: return "the address is on the suppression list"
        default:
            let limit = Quantity.text(application.deliverWithin ?? .zero)
            guard first.step == .recipient, recipient.route == application.escalateRoute else {
                return "not delivered within \(limit)"
            }
            return "not delivered within \(limit), nor in as long again by \(recipient.route)"
        }
    }
}

extension MessageRecord {
    /// Those of whom nobody can say that they have the mail, and nobody has called it off.
    var undelivered: [RecipientRecord] {
        recipients.filter { ![.relayed, .delivered, .canceled].contains($0.status) }
    }
}

extension NextHopReply {
    /// As a line: `550 5.1.1 no such user`.
    fileprivate var spoken: String {
        [code == 0 ? nil : "\(code)", enhanced, text].compactMap(\.self).joined(separator: " ")
    }
}

extension PostmasterNotice {
    static func notEscalated(_ record: MessageRecord, to: Mailbox, because reason: String) -> Self {
        let application = record.applicationName ?? ""
        return PostmasterNotice(
            cause: "escalation:\(application)",
            subject: "Mail of \(application) is not escalated",
            text: """
                Mail of the application "\(application)" was not delivered in time, and the copy for
                \(to) cannot be sent either:

                    \(reason)

                What became of it: postern message events \(record.id)
                What the application asks for: postern app show "\(application)"

                """
        )
    }
}
