import Crypto
import Delivery
import Mail
import Policy
import Store

/// One report, made ready for the desk.
struct ReportOffer {
    /// More of a mail is not returned, whatever RET says (Exchange's limit).
    private static let mostReturned = 10 << 20
    /// Without RET a small mail comes back whole.
    private static let smallMail = 64 << 10

    private let record: MessageRecord
    private let house: House
    private let traits: ContentTraits
    private var report: DeliveryReport
    private let id: MessageID

    init(
        _ kind: ReportKind,
        _ debts: [ReportDebt],
        to sender: Mailbox,
        about record: MessageRecord,
        _ house: House
    ) {
        let configuration = house.configuration
        let now = house.clock()
        self.record = record
        self.house = house
        traits = record.details.traits
        id = MessageID(at: now)
        report = DeliveryReport(
            kind.inMail,
            by: configuration.hostname,
            from: configuration.postmaster,
            to: sender,
            date: now,
            messageID: "<\(id)@\(configuration.hostname)>",
            about: record.id.description,
            arrival: record.createdAt,
            recipients: debts.map { record.recipients[$0.recipient.index].reported(as: kind) }
        )
        report.subject = record.details.subject
        report.originalMessageID = record.details.headerMessageID
        report.envelopeID = record.details.envelopeID
        let sent = max(record.createdAt, record.details.sendAt ?? record.createdAt)
        let span = configuration.delivery.expireAfter
        let ends = [span > .zero ? sent + span : nil, record.details.expiresAt]
        // Of what nobody knows no other report can be promised.
        let isKnown = debts.allSatisfy {
            record.recipients[$0.recipient.index].status != .uncertain
        }
        report.retriesUntil = isKnown ? ends.compactMap { $0 }.min() : nil
        report.returned = returnsWhole(kind) ? .whole : .header
    }

    /// Only a failure brings the mail itself back (RFC 3461 §4.3).
    private func returnsWhole(_ kind: ReportKind) -> Bool {
        guard kind == .failed, !traits.contains(.isBinary) else { return false }
        return switch record.details.returns {
        case .headers: false
        case .full: record.details.octets <= Self.mostReturned
        case nil: record.details.octets <= Self.smallMail
        }
    }

    func offer() async throws(StoreError) -> Offer {
        var report = report
        let buffer = ContentBuffer(store: house.store)
        var survey = ContentSurvey()
        do throws(StoreError) {
            var header: [UInt8] = []
            if report.returned == .header {
                header = try await self.header()
                survey.read(header.span)
            }
            let survivors = report.returned == .whole ? traits : survey.traits
            report.returnsEightBit = survivors.contains(.is8Bit)
            let frame = report.octets(boundary: SecureRandom.next())
            try await buffer.append(frame.before)
            try await buffer.append(header)
            if report.returned == .whole {
                let content = house.store.content(of: record.key)
                while let piece = try await content.next() { try await buffer.append(piece) }
            }
            try await buffer.append(frame.behind)
            return offer(of: try await buffer.finish(), buffer.octets, survivors)
        } catch .notFound where report.returned == .whole {
            // Retention was quicker: then without it.
            buffer.abandon()
            var other = self
            other.report.returned = .header
            return try await other.offer()
        } catch {
            buffer.abandon()
            throw error
        }
    }

    /// The mail's header section; what is known of it where the mail is gone.
    private func header() async throws(StoreError) -> [UInt8] {
        var splitter = HeaderSplitter(limit: 256 << 10)
        let content = house.store.content(of: record.key)
        do throws(StoreError) {
            while let piece = try await content.next(), !splitter.isOversize {
                if splitter.receive(piece.span) != nil { return splitter.header }
            }
            splitter.finish()
            return splitter.header
        } catch .notFound {
            var known = HeaderBlock()
            known.append("Subject", record.details.subject)
            known.append("Message-ID", record.details.headerMessageID)
            return known.octets
        }
    }

    private func offer(of content: Piece?, _ octets: Int, _ returned: ContentTraits) -> Offer {
        var details = MessageDetails(
            headerMessageID: report.messageID,
            subject: record.details.subject,
            origin: "postern",
            traits: returned.intersection([.is8Bit, .hasLongLines]),
            octets: octets
        )
        details.noteInHeader([report.from, report.to])
        return Offer(
            submission: Submission(
                client: .postern,
                sender: .null,
                recipients: [report.to],
                authors: [report.from],
                octets: octets
            ),
            id: id,
            createdAt: report.date,
            content: content.map { [$0] } ?? [],
            details: details
        )
    }
}

extension Client {
    /// The gateway itself, at no door.
    static let postern = Client(
        connector: ReceiveConnector(name: "Postern", door: .smtp, bindings: []),
        peer: .loopback,
        principal: .postern,
        isSecure: true
    )
}

extension ReportKind {
    fileprivate var inMail: DeliveryReport.Kind {
        switch self {
        case .failed: .failed
        case .delayed: .delayed
        case .delivered: .delivered
        case .relayed: .relayed
        }
    }
}

extension RecipientRecord {
    fileprivate func reported(as kind: ReportKind) -> DeliveryReport.Recipient {
        var recipient = DeliveryReport.Recipient(mailbox: mailbox, status: code(for: kind))
        recipient.original = reports.originalRecipient
        if kind == .failed { recipient.cause = cause }
        guard let reply = lastReply else { return recipient }
        recipient.reply = (reply.code, reply.enhanced, reply.text)
        recipient.remoteHost = reply.hostName
        recipient.lastAttempt = reply.at
        return recipient
    }

    private var cause: DeliveryReport.Cause? {
        switch status {
        case .expired: .expired
        case .suppressed: .suppressed
        default: nil
        }
    }

    /// The next hop's own code where it is of the right class (RFC 3464 §2.3.4).
    private func code(for kind: ReportKind) -> String {
        if status == .expired, kind == .failed { return "4.4.7" }
        if status == .suppressed, kind == .failed { return "5.7.1" }
        let (beginning, general) =
            switch kind {
            case .failed: ("5.", "5.0.0")
            case .delayed: ("4.", "4.0.0")
            case .delivered, .relayed: ("2.", "2.0.0")
            }
        guard let enhanced = lastReply?.enhanced, enhanced.hasPrefix(beginning) else {
            return general
        }
        return enhanced
    }
}

extension NextHopReply {
    /// `mx.example` of `mx.example [192.0.2.1]:25`, `[192.0.2.1]` of an address alone.
    var hostName: String? {
        guard !host.isEmpty else { return nil }
        if let end = host.firstIndex(of: " ") { return String(host[..<end]) }
        guard let colon = host.lastIndex(of: ":") else { return host }
        let name = String(host[..<colon])
        return name.utf8.allSatisfy { $0 == 46 || 48...57 ~= $0 } ? "[\(name)]" : name
    }
}
