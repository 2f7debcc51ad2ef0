package import Mail

extension MailStore {
    /// Removes content and history of messages made before these moments, expired answers and stale
    /// spools; never anything of a message with an unfinished recipient. Answers how many messages
    /// it touched, at most `limit`: call it again until 0.
    package func sweep(contentBefore: Timestamp, historyBefore: Timestamp, limit: Int)
        async throws(StoreError) -> Int
    {
        let now = Timestamp.now
        try await sweepAnswers(expiredAt: now)
        try await sweepSpools(before: now - .seconds(3600))
        // Found on a reader: walking over what must stay would hold up the writer.
        let candidates = try await read { database throws(StoreError) in
            try database.sweepCandidates(
                contentBefore: contentBefore,
                historyBefore: historyBefore,
                limit: limit
            )
        }
        var count = 0
        for slice in candidates.slices(of: 50) {
            count += try await write { rows throws(StoreError) in try rows.sweep(slice) }
        }
        return count
    }

    func sweepAnswers(expiredAt now: Timestamp) async throws(StoreError) {
        while try await write({ rows throws(StoreError) in
            try rows.removeAnswers(expiredAt: now, limit: 500)
        }) == 500 {}
    }

    func sweepSpools(before limit: Timestamp) async throws(StoreError) {
        while try await write({ rows throws(StoreError) in
            try rows.removeStaleSpool(before: limit)
        }) {}
    }
}

/// Removes what earlier processes spooled in vain, one spool a transaction so that mail goes on.
final class StaleSpools: Job, @unchecked Sendable {
    private let writer: Writer
    private let limit: Timestamp
    private var isDone = false

    init(_ writer: Writer, before limit: Timestamp) {
        self.writer = writer
        self.limit = limit
        super.init(octets: 0)
    }

    override func perform(in rows: Rows) throws(StoreError) {
        isDone = try !rows.removeStaleSpool(before: limit)
    }

    override func finish(_ failure: StoreError?) {
        if failure == nil, !isDone { writer.submit(StaleSpools(writer, before: limit)) }
    }
}
