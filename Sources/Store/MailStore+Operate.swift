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

    /// The same for single recipients, grouped by message; those that are not in a state for it stay
    /// as they are. `entries` names those of them all that are to be sent, changed or not.
    package func carryOut(
        _ order: Order,
        on keys: [RecipientKey],
        at now: Timestamp,
        by who: String
    ) async throws(StoreError) -> StateChange {
        try await write(octets: 200 * keys.count) { rows throws(StoreError) in
            try rows.carryOut(order, on: keys, at: now, by: who)
        }
    }

    /// The recipients that an order of that kind is for, each once and grouped by message: 16 octets
    /// for each, since the rows they are found by change while the order is carried out.
    package func targets(of order: Order, matching filter: QueueFilter)
        async throws(StoreError) -> [RecipientKey]
    {
        var walk = QueueTargets(order, filter)
        var found: [RecipientKey] = []
        while !walk.isOver {
            let step = try await read { [walk] database throws(StoreError) in
                var walk = walk
                let keys = try walk.next(in: database)
                return (walk: walk, keys: keys)
            }
            walk = step.walk
            found += step.keys
        }
        // Where it holds up no event loop.
        return try await read { [found] _ in found.sortedWithoutTwins() }
    }
}

extension [RecipientKey] {
    fileprivate func sortedWithoutTwins() -> [RecipientKey] {
        let sorted = sorted { ($0.message, $0.index) < ($1.message, $1.index) }
        var last: RecipientKey?
        return sorted.filter { key in
            defer { last = key }
            return key != last
        }
    }
}
