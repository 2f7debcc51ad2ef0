package import Mail

/// Which of the lanes a message travels in.
package enum Priority: Int, CaseIterable, Comparable, Sendable {
    case critical
    case high
    case normal
    case low

    package var name: String {
        switch self {
        case .critical: "critical"
        case .high: "high"
        case .normal: "normal"
        case .low: "low"
        }
    }

    /// Critical comes first.
    package static func < (left: Priority, right: Priority) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// What is known of a message beside its envelope and content.
package struct MessageDetails: Sendable {
    /// The Message-ID field's value, with its brackets.
    package var headerMessageID: String
    package var subject: String
    package var externalID: String?
    package var tags: [String]
    package var metadata: [(String, String)]
    package var priority: Priority
    package var sendAt: Timestamp?
    package var expiresAt: Timestamp?
    package var threadKey: String?
    /// The door: "http", "smtp" …
    package var origin: String
    /// The address it came from.
    package var peer: String
    package var requiresSMTPUTF8: Bool
    package var traits: ContentTraits
    /// Of a report of failure: RET and ENVID of MAIL.
    package var returns: DSNReturn?
    package var envelopeID: EnvelopeID?
    /// The size of the content.
    package var octets: Int

    package init(
        headerMessageID: String,
        subject: String = "",
        externalID: String? = nil,
        tags: [String] = [],
        metadata: [(String, String)] = [],
        priority: Priority = .normal,
        sendAt: Timestamp? = nil,
        expiresAt: Timestamp? = nil,
        threadKey: String? = nil,
        origin: String = "",
        peer: String = "",
        requiresSMTPUTF8: Bool = false,
        traits: ContentTraits = [],
        returns: DSNReturn? = nil,
        envelopeID: EnvelopeID? = nil,
        octets: Int
    ) {
        self.headerMessageID = headerMessageID
        self.subject = subject
        self.externalID = externalID
        self.tags = tags
        self.metadata = metadata
        self.priority = priority
        self.sendAt = sendAt
        self.expiresAt = expiresAt
        self.threadKey = threadKey
        self.origin = origin
        self.peer = peer
        self.requiresSMTPUTF8 = requiresSMTPUTF8
        self.traits = traits
        self.returns = returns
        self.envelopeID = envelopeID
        self.octets = octets
    }
}

extension MessageDetails {
    /// The gateway itself has written these into the header: as UTF-8 those that cannot be otherwise
    /// (RFC 6532 §3.2), which not every next hop takes.
    package mutating func noteInHeader(_ mailboxes: [Mailbox]) {
        guard mailboxes.contains(where: \.needsSMTPUTF8) else { return }
        requiresSMTPUTF8 = true
        traits.formUnion([.is8Bit, .hasRawHeader, .isInternational])
    }
}

extension MessageDetails: Equatable {
    package static func == (left: MessageDetails, right: MessageDetails) -> Bool {
        let texts = { (it: MessageDetails) in
            [it.headerMessageID, it.subject, it.externalID, it.threadKey, it.origin, it.peer]
        }
        return texts(left) == texts(right) && left.tags == right.tags
            && left.metadata.elementsEqual(right.metadata, by: ==)
            && (left.priority, left.sendAt, left.expiresAt)
                == (right.priority, right.sendAt, right.expiresAt)
            && (left.requiresSMTPUTF8, left.traits, left.octets)
                == (right.requiresSMTPUTF8, right.traits, right.octets)
            && left.returns == right.returns && left.envelopeID == right.envelopeID
    }
}
