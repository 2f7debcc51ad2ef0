package import Mail

/// Orders for all recipients of a message that are in a state for it. They throw `.notFound`, or
/// `.conflict` when there is no such recipient. One that is being sent is not touched.
extension MailStore {
    package func cancel(_ id: MessageID, at now: Timestamp, by who: String)
        async throws(StoreError) -> StateChange
    { try await carryOut(.cancel, on: id, at: now, by: who) }

    /// Sends at once what was deferred or given up.
    package func retry(_ id: MessageID, at now: Timestamp, by who: String)
        async throws(StoreError) -> StateChange
    { try await carryOut(.retry, on: id, at: now, by: who) }

    package func hold(_ id: MessageID, at now: Timestamp, by who: String)
        async throws(StoreError) -> StateChange
    { try await carryOut(.hold, on: id, at: now, by: who) }

    /// Lets held recipients go, at once or when they were scheduled.
    package func release(_ id: MessageID, at now: Timestamp, by who: String)
        async throws(StoreError) -> StateChange
    { try await carryOut(.release, on: id, at: now, by: who) }

    private func carryOut(_ order: Order, on id: MessageID, at now: Timestamp, by who: String)
        async throws(StoreError) -> StateChange
    {
        try await write { rows throws(StoreError) in
            try rows.carryOut(order, on: id, at: now, by: who)
        }
    }
}
