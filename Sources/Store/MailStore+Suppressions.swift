package import Mail

extension MailStore {
    /// By address, those after `address`.
    package func suppressions(after address: String = "", limit: Int)
        async throws(StoreError) -> [SuppressionRecord]
    {
        try await read { database throws(StoreError) in
            try database.suppressions(after: address, limit: limit)
        }
    }

    package func suppression(of address: String) async throws(StoreError) -> SuppressionRecord? {
        try await read(.lookup) { database throws(StoreError) in
            try database.suppression(of: address)
        }
    }

    /// `.conflict` when the address is listed; told as `suppression.added`.
    package func insert(_ suppression: SuppressionRecord, by who: String)
        async throws(StoreError)
    {
        try await write { rows throws(StoreError) in try rows.insert(suppression, by: who) }
    }

    /// `.notFound` when it is not listed.
    package func update(_ suppression: SuppressionRecord) async throws(StoreError) {
        try await write { rows throws(StoreError) in try rows.update(suppression) }
    }

    /// `.notFound` when it is not listed; told as `suppression.removed`.
    package func removeSuppression(of address: String, at now: Timestamp, by who: String)
        async throws(StoreError)
    {
        try await write { rows throws(StoreError) in
            try rows.removeSuppression(of: address, at: now, by: who)
        }
    }

    /// Counts messages that bounced hard; answers the addresses that are suppressed for it now.
    package func noteHardBounces(
        _ bounces: [(address: String, message: MessageKey)],
        at now: Timestamp,
        _ policy: SuppressionPolicy
    ) async throws(StoreError) -> [String] {
        try await write { rows throws(StoreError) in
            var suppressed: [String] = []
            for bounce in bounces
            where try rows.noteHardBounce(of: bounce.address, bounce.message, at: now, policy) {
                suppressed.append(bounce.address)
            }
            return suppressed
        }
    }

    /// Takes out what has expired, and forgets old bounces. Answers whether an address was freed.
    package func sweepSuppressions(at now: Timestamp, bouncesBefore limit: Timestamp)
        async throws(StoreError) -> Bool
    {
        let expired = try await read { database throws(StoreError) in
            try database.expiredSuppressions(at: now)
        }
        for address in expired {
            try await removeSuppression(of: address, at: now, by: "expiry")
        }
        try await write { rows throws(StoreError) in try rows.forgetBounces(before: limit) }
        return !expired.isEmpty
    }
}
