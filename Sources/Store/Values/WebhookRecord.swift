package import Mail

/// Where somebody wants to hear of events.
package struct WebhookRecord: Hashable, Sendable {
    package let id: WebhookID
    package var url: String
    /// As the log has them: `relayed`, `route.suspended`.
    package var types: [String]
    /// Of this application's messages alone; nil: of all, and of what concerns no message.
    package var application: ApplicationID?
    /// Sealed by whoever can open it.
    package var secret: [UInt8]
    /// The one before, which signs as well until then.
    package var oldSecret: [UInt8]?
    package var oldSecretUntil: Timestamp?
    package var createdAt: Timestamp
    /// Why nothing is sent there; nil while it is.
    package var disabled: String?
    /// The last event that was sent, or is written down to be sent again.
    package var position: Int64
    package var lastSuccessAt: Timestamp?
    package var lastFailureAt: Timestamp?
    package var lastError: String?

    package init(
        id: WebhookID,
        url: String,
        types: [String],
        application: ApplicationID? = nil,
        secret: [UInt8],
        createdAt: Timestamp,
        position: Int64
    ) {
        self.id = id
        self.url = url
        self.types = types
        self.application = application
        self.secret = secret
        self.createdAt = createdAt
        self.position = position
    }
}

/// An event that a receiver did not take.
package struct WebhookRetry: Hashable, Sendable {
    package let event: Int64
    package var attempts: Int
    package var firstAt: Timestamp
    /// Nil when it was given up.
    package var due: Timestamp?
    package var error: String

    package init(
        event: Int64,
        attempts: Int,
        firstAt: Timestamp,
        due: Timestamp?,
        error: String
    ) {
        self.event = event
        self.attempts = attempts
        self.firstAt = firstAt
        self.due = due
        self.error = error
    }
}

/// What is known after some attempts: written in one go.
package struct WebhookProgress: Sendable {
    package var position: Int64?
    package var retries: [WebhookRetry] = []
    /// Taken by the receiver, or gone from the log.
    package var done: [Int64] = []
    package var succeededAt: Timestamp?
    package var failedAt: Timestamp?
    package var error: String?
    /// The receiver is back: what waits to be told again is told now.
    package var isBack = false

    package init() {}
}
