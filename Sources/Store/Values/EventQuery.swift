package import Mail

/// Which events to read, oldest first; what is nil or empty does not narrow it.
package struct EventQuery: Hashable, Sendable {
    package var types: [String] = []
    package var message: MessageID?
    /// Of this application's messages alone.
    package var application: ApplicationID?
    /// The number of the last event that is known.
    package var after: Int64
    package var limit: Int

    package init(after: Int64 = 0, limit: Int = 50) {
        self.after = after
        self.limit = limit
    }
}

/// A part of the event log.
package struct EventPage: Sendable {
    package var events: [EventRecord]
    /// The last event looked at: where to go on.
    package var position: Int64
    /// Nothing more was there when it was read.
    package var isEnd: Bool
}
