package import Mail

/// Everything that outlives the process. It keeps approved messages and nothing else, and what it
/// has answered is on disk and synced.
package final class Store: Sendable {
    package init(directory: String, settings: StoreSettings = .init()) throws(StoreError) {
        throw .unavailable("not yet built")
    }

    /// Waits for what is queued; after it everything is refused. Blocks its thread.
    package func close() {}

    package var isHealthy: Bool { false }
}

extension Store {
    /// Keeps all parcels and the claim's answer, or nothing.
    package func keep(_ parcels: [Parcel], claim: IdempotencyClaim? = nil)
        async throws(StoreError) -> KeepOutcome
    { throw .unavailable("") }

    package func spool() -> Spool { Spool() }

    /// What an earlier request with this key was answered; nil when there was none.
    package func answer(to claim: IdempotencyClaim, at now: Timestamp)
        async throws(StoreError) -> KeepOutcome?
    { throw .unavailable("") }

    /// Gives up content that no `keep` will adopt; it would go by itself after an hour.
    package func discard(_ content: SpooledContent) {}
}

extension Store {
    /// A window of the recipients to be sent, by due time. `next` is nil after the last.
    package func pending(after cursor: PendingCursor?, limit: Int)
        async throws(StoreError) -> (entries: [QueueEntry], next: PendingCursor?)
    { throw .unavailable("") }

    /// Settles what was being sent when the process ended; answers how many recipients.
    package func recover(holdUncertain: Bool, at now: Timestamp) async throws(StoreError) -> Int {
        throw .unavailable("")
    }

    /// Marks recipients as being sent; answers those that may not be (canceled, held, gone).
    @discardableResult
    package func lease(_ keys: [RecipientKey], at now: Timestamp)
        async throws(StoreError) -> [RecipientKey]
    { throw .unavailable("") }

    /// Writes outcomes; answers the recipients whose status stayed because it was final already.
    @discardableResult
    package func settle(_ settlements: [Settlement]) async throws(StoreError) -> [RecipientKey] {
        throw .unavailable("")
    }

    package func content(of message: MessageKey) -> ContentReader { ContentReader() }
}

extension Store {
    package func cancel(_ id: MessageID, at now: Timestamp, by operator: String)
        async throws(StoreError) -> StateChange
    { throw .unavailable("") }
    package func retry(_ id: MessageID, at now: Timestamp, by operator: String)
        async throws(StoreError) -> StateChange
    { throw .unavailable("") }
    package func hold(_ id: MessageID, at now: Timestamp, by operator: String)
        async throws(StoreError) -> StateChange
    { throw .unavailable("") }
    package func release(_ id: MessageID, at now: Timestamp, by operator: String)
        async throws(StoreError) -> StateChange
    { throw .unavailable("") }
}

extension Store {
    package func message(_ id: MessageID, application: ApplicationID? = nil)
        async throws(StoreError) -> MessageRecord?
    { throw .unavailable("") }
    package func messages(_ query: MessageQuery) async throws(StoreError) -> Page<MessageRecord> {
        throw .unavailable("")
    }
    /// Of one message, oldest first.
    package func events(of id: MessageID) async throws(StoreError) -> [EventRecord] {
        throw .unavailable("")
    }
    /// Of all messages (of one application), after that number, oldest first.
    package func events(after number: Int64, limit: Int, application: ApplicationID? = nil)
        async throws(StoreError) -> [EventRecord]
    { throw .unavailable("") }
    package func queueSummary() async throws(StoreError) -> [QueueLine] { throw .unavailable("") }
}

extension Store {
    package func applications() async throws(StoreError) -> [ApplicationRecord] {
        throw .unavailable("")
    }
    package func keys() async throws(StoreError) -> [KeyRecord] { throw .unavailable("") }
    /// `.conflict` when the name is taken.
    package func insert(_ application: ApplicationRecord) async throws(StoreError) {}
    /// `.notFound` when it is gone, `.conflict` when the new name is taken.
    package func update(_ application: ApplicationRecord) async throws(StoreError) {}
    /// With its keys.
    package func remove(_ application: ApplicationID) async throws(StoreError) {}
    package func insert(_ key: KeyRecord) async throws(StoreError) {}
    package func updateKey(_ id: String, expiresAt: Timestamp?) async throws(StoreError) {}
    package func revoke(_ id: String, at now: Timestamp) async throws(StoreError) {}
    package func removeKey(_ id: String) async throws(StoreError) {}
    package func noteUse(_ uses: [(keyID: String, at: Timestamp)]) async throws(StoreError) {}
}

extension Store {
    /// Removes content and history past their time, expired answers and stale spools; never
    /// anything of a message with an unfinished recipient. Answers how many messages it touched,
    /// at most `limit`: call it again until 0.
    package func sweep(contentBefore: Timestamp, historyBefore: Timestamp, limit: Int)
        async throws(StoreError) -> Int
    { throw .unavailable("") }
}

/// Content on its way into the store, before anyone has decided about it.
package final class Spool {
    /// Buffers; returns when a full chunk is on disk, which holds a fast sender back.
    package func append(_ octets: Span<UInt8>) async throws(StoreError) {}
    package func append(_ octets: [UInt8]) async throws(StoreError) {}
    package func finish() async throws(StoreError) -> SpooledContent { throw .unavailable("") }
    package func abandon() {}
}

/// Reads a message's content in order.
package final class ContentReader {
    /// At most 256 KB, nil at the end; `.notFound` when the content is no longer kept.
    package func next() async throws(StoreError) -> [UInt8]? { nil }
}
