import Mail
import Policy
import Store

/// A message read from a request, before anyone has decided about it.
struct Candidate {
    var id: MessageID
    var createdAt: Timestamp
    var sender: ReversePath
    var recipients: [Mailbox]
    var authors: [Mailbox]
    var content: [Piece]
    var details: MessageDetails
    var hops = 0
    var isDryRun = false
    /// Where in the request each recipient stands; empty where they stand nowhere.
    var places: [MessageForm.Place] = []
    /// What stands before the pointers of this message: empty, or `/messages/3`.
    var pointer = ""

    func offer(from client: Client) -> Offer {
        var details = details
        details.octets = content.octets
        details.peer = client.peer.description
        let submission = Submission(
            client: client,
            sender: sender,
            recipients: recipients,
            authors: authors,
            octets: details.octets,
            hops: hops
        )
        return Offer(
            submission: submission,
            id: id,
            createdAt: createdAt,
            content: content,
            details: details
        )
    }
}

/// The relay rules' refusals in the words of HTTP.
extension Candidate {
    func problemItems(for decision: Decision) -> [Problem.Item] {
        if !decision.refused.isEmpty {
            return decision.refused.map { refused in
                .init(
                    pointer + pointer(to: refused.mailbox),
                    Problem.code(for: refused.refusal.rule),
                    "\(refused.mailbox): \(refused.refusal.reply.text)",
                    reply: refused.refusal.reply
                )
            }
        }
        guard let refusal = decision.refusal else { return [] }
        let place =
            switch refusal.rule {
            case .sender: "/from"
            case .limits where refusal.reply == .tooManyRecipients: "/to"
            default: ""
            }
        let note = decision.findings.last?.note ?? refusal.reply.text
        return [
            .init(pointer + place, Problem.code(for: refusal.rule), note, reply: refusal.reply)
        ]
    }

    private func pointer(to recipient: Mailbox) -> String {
        zip(recipients, places).first { $0.0 == recipient }?.1.pointer ?? "/to"
    }
}

extension Problem {
    /// Refused offers: 413 for a size, 422 for a count, 403 for what the sender may not do.
    static func refused(_ offers: [(Candidate, Decision)]) -> Problem {
        let items = offers.flatMap { $0.problemItems(for: $1) }
        let refusals = offers.compactMap { $1.refusal }
        guard let first = refusals.first else { return Problem(403, "recipient_not_allowed", "") }
        switch first.reply {
        case .messageTooLarge:
            return Problem(413, "payload_too_large", first.reply.text, items: items)
        case .tooManyRecipients, .tooManyHops:
            return .invalid(items)
        default:
            return Problem(403, code(for: first.rule), first.reply.text, items: items)
        }
    }

    static func code(for rule: Rule) -> String {
        switch rule {
        case .connector: "source_address_not_allowed"
        case .tls, .submit: "insufficient_scope"
        case .sender: "sender_not_allowed"
        case .recipient, .route: "recipient_not_allowed"
        case .limits: "limit_exceeded"
        }
    }
}
