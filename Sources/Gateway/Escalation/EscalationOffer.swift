import Crypto
import Delivery
import Mail
import Policy
import Store

/// The copy for somebody else, made ready for the desk. It is mail of the gateway itself: no
/// application's deadline holds for it, so it is never escalated. Should it fail, the postmaster hears
/// of it as its sender.
struct EscalationOffer {
    /// The body of a larger mail stays here (as with reports).
    private static let mostCarried = 10 << 20
    /// What a copy says beside the mail itself, about.
    private static let words = 16 << 10

    private let to: Mailbox
    private let record: MessageRecord
    private let house: House
    private let id: MessageID
    private let priority: Priority
    private var mail: EscalatedMail
    /// Of the boundary.
    private let seed = SecureRandom.next()

    init(
        _ to: Mailbox,
        _ record: MessageRecord,
        _ application: ApplicationRecord,
        because reason: String,
        _ house: House
    ) {
        let configuration = house.configuration
        let now = house.clock()
        self.to = to
        self.record = record
        self.house = house
        id = MessageID(at: now)
        priority = min(record.details.priority, .high)
        mail = EscalatedMail(
            by: configuration.hostname,
            from: configuration.postmaster,
            to: to,
            date: now,
            messageID: "<\(id)@\(configuration.hostname)>",
            because: reason,
            about: record.id.description,
            of: application.name,
            sender: record.sender.description,
            sent: max(record.createdAt, record.details.sendAt ?? record.createdAt),
            recipients: record.undelivered.map(\.escalated)
        )
        mail.importance = priority == .critical ? .critical : .high
        mail.subject = record.details.subject
        mail.originalMessageID = record.details.headerMessageID
    }

    func offer() async throws(StoreError) -> Offer {
        let octets = record.details.octets
        guard octets <= Self.mostCarried, isTaken(octets + Self.words) else {
            return try await offerOfWords()
        }
        let buffer = ContentBuffer(store: house.store)
        do throws(StoreError) {
            let behind = try await write(into: buffer)
            guard let behind else { return try await offerOfWords() }
            try await buffer.append(behind)
            return offer(of: try await buffer.finish(), buffer.octets, record.details.traits)
        } catch .notFound {
            // Retention was quicker.
            buffer.abandon()
            return try await offerOfWords()
        } catch {
            buffer.abandon()
            throw error
        }
    }

    /// Whether the rules and some route take a copy of that size.
    private func isTaken(_ octets: Int) -> Bool {
        house.desk.decide(submission(octets)).approval != nil
    }

    /// Answers what stands behind the body; nil, with nothing written, where the header is too large.
    private func write(into buffer: ContentBuffer) async throws(StoreError) -> [UInt8]? {
        var splitter = HeaderSplitter(limit: 256 << 10)
        let content = house.store.content(of: record.key)
        while let piece = try await content.next() {
            guard !splitter.isComplete else {
                try await buffer.append(piece)
                continue
            }
            guard let start = splitter.receive(piece.span) else {
                if splitter.isOversize { return nil }
                continue
            }
            try await buffer.append(frame(splitter).before)
            try await buffer.append(splitter.bodyPrefix + piece[start...])
        }
        if !splitter.isComplete {
            splitter.finish()
            try await buffer.append(frame(splitter).before + splitter.bodyPrefix)
        }
        return frame(splitter).behind
    }

    private func frame(_ splitter: HeaderSplitter) -> (before: [UInt8], behind: [UInt8]) {
        var mail = mail
        mail.header = HeaderBlock(parsing: splitter.header.span)
        return mail.octets(boundary: seed)
    }

    private func offerOfWords() async throws(StoreError) -> Offer {
        let buffer = ContentBuffer(store: house.store)
        let frame = mail.octets(boundary: seed)
        try await buffer.append(frame.before + frame.behind)
        return offer(of: try await buffer.finish(), buffer.octets, [])
    }

    private func offer(of content: Piece?, _ octets: Int, _ carried: ContentTraits) -> Offer {
        var details = MessageDetails(
            headerMessageID: mail.messageID,
            subject: "[escalated] \(record.details.subject)",
            metadata: [("escalation_of", record.id.description)],
            priority: priority,
            origin: "postern",
            traits: carried.intersection([.is8Bit, .hasLongLines, .isBinary]),
            octets: octets
        )
        details.noteInHeader([mail.from, to])
        return Offer(
            submission: submission(octets),
            id: id,
            createdAt: mail.date,
            content: content.map { [$0] } ?? [],
            details: details
        )
    }

    private func submission(_ octets: Int) -> Submission {
        Submission(
            client: .postern,
            sender: .mailbox(mail.from),
            recipients: [to],
            authors: [mail.from],
            octets: octets
        )
    }
}

extension RecipientRecord {
    fileprivate var escalated: EscalatedMail.Recipient {
        var recipient = EscalatedMail.Recipient(mailbox: mailbox, state: state)
        guard let reply = lastReply else { return recipient }
        recipient.reply = (reply.code, reply.enhanced, reply.text)
        recipient.remoteHost = reply.hostName
        return recipient
    }

    private var state: String {
        switch status {
        case .failed: "failed, and is not tried again"
        case .expired: "was not reached in time, and is not tried again"
        case .suppressed: "is on the suppression list: nothing is sent there"
        case .uncertain: "may have it: the connection was lost while it was sent"
        case .held: "waits: somebody holds the mail"
        default: "is still being tried by \(route), after \(attempts) attempts"
        }
    }
}
