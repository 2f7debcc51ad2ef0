import Mail
import Policy

/// A parcel as its rows will be, made by the caller: the writer's thread only binds and steps.
struct PreparedParcel: Sendable {
    typealias Place = TextPool.Place

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
    let recipients: [(local: Place, domain: Place, route: Place)]

    let status: RecipientStatus
    let priority: Int
    let createdAt: Timestamp
    let dueAt: Timestamp
    let sendAt: Timestamp?
    let expiresAt: Timestamp?
    let flags: Int
    let octets: Int
    let content: PreparedContent

    init(_ parcel: Parcel) {
        let (approval, details) = (parcel.approval, parcel.details)
        var pool = TextPool()
        id = pool.add(parcel.id.octets)
        application = pool.add(approval.principal.application?.octets)
        connector = pool.add(approval.connector)
        sender = pool.add(approval.sender.mailbox)
        headerID = pool.add(details.headerMessageID)
        headerHash = HeaderHash.of(details.headerMessageID)
        subject = pool.add(details.subject)
        externalID = pool.add(details.externalID)
        tags = pool.add(JSONText.array(details.tags))
        metadata = pool.add(JSONText.pairs(details.metadata))
        threadKey = pool.add(details.threadKey)
        origin = pool.add(details.origin)
        peer = pool.add(details.peer)
        var recipients: [(local: Place, domain: Place, route: Place)] = []
        recipients.reserveCapacity(approval.recipients.count)
        for recipient in approval.recipients {
            let (local, domain) = pool.add(recipient.mailbox)
            recipients.append((local, domain, pool.add(recipient.route)))
        }
        self.recipients = recipients
        texts = pool
        status = parcel.status
        priority = details.priority.rawValue
        createdAt = parcel.createdAt
        dueAt = parcel.dueAt
        sendAt = details.sendAt
        expiresAt = details.expiresAt
        flags = MessageFlags(details).rawValue
        octets = details.octets
        content = PreparedContent(parcel.content)
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

struct MessageFlags: OptionSet {
    let rawValue: Int

    static let requiresSMTPUTF8 = MessageFlags(rawValue: 1)
    static let is8Bit = MessageFlags(rawValue: 2)

    init(rawValue: Int) { self.rawValue = rawValue }

    init(_ details: MessageDetails) {
        self = []
        if details.requiresSMTPUTF8 { insert(.requiresSMTPUTF8) }
        if details.is8Bit { insert(.is8Bit) }
    }
}

extension TextPool {
    /// Two nulls for no mailbox.
    fileprivate mutating func add(_ mailbox: Mailbox?) -> (local: Place, domain: Place) {
        (add(mailbox?.localPart), add(mailbox?.domain))
    }
}

extension Principal {
    var application: ApplicationID? {
        if case .application(let applicant) = self { applicant.id } else { nil }
    }
}
