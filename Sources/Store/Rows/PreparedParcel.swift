import Mail
import Policy

/// A parcel as its rows will be, made by the caller: the writer's thread only binds and steps.
struct PreparedParcel: Sendable {
    typealias Place = TextPool.Place

    struct Recipient: Sendable {
        let local: Place
        let domain: Place
        let route: Place
        let notify: Int?
        let original: Place
    }

    let texts: TextPool
    let id: Place
    let application: Place
    let connector: Place
    let sender: (local: Place, domain: Place)
    let headerID: Place
    let headerHash: UInt32
    let subject: Place
    let externalID: Place
    let tags: Place
    let metadata: Place
    let threadKey: Place
    let origin: Place
    let peer: Place
    let returns: Place
    let envelopeID: Place
    let recipients: [Recipient]

    let status: RecipientStatus
    let priority: Int
    let createdAt: Timestamp
    let dueAt: Timestamp
    let sendAt: Timestamp?
    let expiresAt: Timestamp?
    let flags: Int
    let octets: Int
    let content: PreparedContent
    let suppressed: Set<Int>
    let unheard: Set<Int>

    init(_ parcel: Parcel) {
        // Field by field: a copy of the whole values would retain every text in them.
        var pool = TextPool()
        id = pool.add(parcel.id.octets)
        application = pool.add(parcel.approval.principal.application?.octets)
        connector = pool.add(parcel.approval.connector)
        sender = pool.add(parcel.approval.sender.mailbox)
        headerID = pool.add(parcel.details.headerMessageID)
        headerHash = HeaderHash.of(parcel.details.headerMessageID)
        subject = pool.add(parcel.details.subject)
        externalID = pool.add(parcel.details.externalID)
        tags = pool.add(JSONText.array(parcel.details.tags))
        metadata = pool.add(JSONText.pairs(parcel.details.metadata))
        threadKey = pool.add(parcel.details.threadKey)
        origin = pool.add(parcel.details.origin)
        peer = pool.add(parcel.details.peer)
        returns = pool.add(parcel.details.returns?.rawValue)
        envelopeID = pool.add(parcel.details.envelopeID?.text)
        recipients = pool.add(parcel.approval.recipients, parcel.reports)
        texts = pool
        status = parcel.status
        priority = parcel.details.priority.rawValue
        createdAt = parcel.createdAt
        dueAt = parcel.dueAt
        sendAt = parcel.details.sendAt
        expiresAt = parcel.details.expiresAt
        flags = MessageFlags(parcel.details).rawValue
        octets = parcel.details.octets
        content = PreparedContent(parcel.content)
        suppressed = parcel.suppressed
        unheard = parcel.unheard
    }

    /// About what it adds to a transaction.
    var weight: Int { content.octetsToWrite + texts.octets.count + 200 }
}

/// A hash of the Message-ID field for finding candidates (FNV-1a, 32 bits).
enum HeaderHash {
    static func of(_ headerMessageID: String) -> UInt32 {
        headerMessageID.utf8.reduce(2_166_136_261) { ($0 ^ UInt32($1)) &* 16_777_619 }
    }
}

/// What fits into one number: the lowest bit, and above it the traits.
struct MessageFlags: OptionSet {
    let rawValue: Int

    static let requiresSMTPUTF8 = MessageFlags(rawValue: 1)

    init(rawValue: Int) { self.rawValue = rawValue }

    init(_ details: MessageDetails) {
        self.init(rawValue: details.traits.rawValue << 1)
        if details.requiresSMTPUTF8 { insert(.requiresSMTPUTF8) }
    }

    var traits: ContentTraits { ContentTraits(rawValue: rawValue >> 1) }
}

extension TextPool {
    /// Two nulls for no mailbox.
    fileprivate mutating func add(_ mailbox: Mailbox?) -> (local: Place, domain: Place) {
        (add(mailbox?.localPart), add(mailbox?.domain))
    }

    fileprivate mutating func add(
        _ recipients: [RoutedRecipient],
        _ reports: [Mailbox: DSNRecipient]
    ) -> [PreparedParcel.Recipient] {
        var prepared: [PreparedParcel.Recipient] = []
        prepared.reserveCapacity(recipients.count)
        for recipient in recipients {
            let report = reports.isEmpty ? nil : reports[recipient.mailbox]
            let (local, domain) = add(recipient.mailbox)
            prepared.append(
                PreparedParcel.Recipient(
                    local: local,
                    domain: domain,
                    route: add(recipient.route),
                    notify: report?.notify?.rawValue,
                    original: add(report?.originalRecipient?.field)
                )
            )
        }
        return prepared
    }
}

extension Principal {
    var application: ApplicationID? {
        if case .application(let applicant) = self { applicant.id } else { nil }
    }
}
