package import Mail

/// A message in this store. Other than its `MessageID` it means nothing outside the process.
package struct MessageKey: Hashable, Comparable, Sendable {
    let row: Int64

    package init(row: Int64) { self.row = row }

    package static func < (left: MessageKey, right: MessageKey) -> Bool { left.row < right.row }
}

/// One recipient of a message in this store.
package struct RecipientKey: Hashable, Sendable {
    package let message: MessageKey
    /// Its place among the message's recipients.
    package let index: Int

    package init(message: MessageKey, index: Int) {
        self.message = message
        self.index = index
    }
}

/// What delivery must know of a recipient to send to it.
package struct QueueEntry: Hashable, Sendable {
    package var key: RecipientKey
    package var id: MessageID
    package var mailbox: Mailbox
    package var sender: ReversePath
    package var route: String
    package var status: RecipientStatus
    package var due: Timestamp
    package var attempts: Int
    package var priority: Priority
    package var createdAt: Timestamp
    /// When it was to be sent, where that was said.
    package var sendAt: Timestamp?
    package var expiresAt: Timestamp?
    /// Of the content.
    package var octets: Int
    /// Nil for the anonymous and for the gateway's own mail.
    package var application: ApplicationID?
    /// The receive connector it came through.
    package var connector: String
    package var requiresSMTPUTF8: Bool
    package var traits: ContentTraits
    /// What the sender said of reports; nil when nothing.
    package var dsn: DSNRequest?

    package init(
        key: RecipientKey,
        id: MessageID,
        mailbox: Mailbox,
        sender: ReversePath,
        route: String,
        status: RecipientStatus = .queued,
        due: Timestamp,
        attempts: Int = 0,
        priority: Priority = .normal,
        createdAt: Timestamp,
        sendAt: Timestamp? = nil,
        expiresAt: Timestamp? = nil,
        octets: Int,
        application: ApplicationID? = nil,
        connector: String,
        requiresSMTPUTF8: Bool = false,
        traits: ContentTraits = [],
        dsn: DSNRequest? = nil
    ) {
        self.key = key
        self.id = id
        self.mailbox = mailbox
        self.sender = sender
        self.route = route
        self.status = status
        self.due = due
        self.attempts = attempts
        self.priority = priority
        self.createdAt = createdAt
        self.sendAt = sendAt
        self.expiresAt = expiresAt
        self.octets = octets
        self.application = application
        self.connector = connector
        self.requiresSMTPUTF8 = requiresSMTPUTF8
        self.traits = traits
        self.dsn = dsn
    }
}

/// Where a walk through the pending recipients stands.
package struct PendingCursor: Hashable, Sendable {
    let due: Int64
    let message: Int64
    let index: Int
}
