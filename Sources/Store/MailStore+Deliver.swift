package import Mail

extension MailStore {
    /// A window of the recipients to be sent, by due time; `withHeld`: and of those that an operator
    /// holds. `next` is nil after the last.
    package func pending(after cursor: PendingCursor?, limit: Int, withHeld: Bool = false)
        async throws(StoreError) -> (entries: [QueueEntry], next: PendingCursor?)
    {
        try await read { database throws(StoreError) in
            try database.pending(after: cursor, limit: limit, withHeld: withHeld)
        }
    }

    /// How many recipients wait for each route, for its time or for an operator.
    package func depths() async throws(StoreError) -> [String: Int] {
        try await read { database throws(StoreError) in try database.depths() }
    }

    /// Settles what was being sent when the process ended, as `queued` and due now, or as
    /// `uncertain` for an operator where that holds, for all mail or for its application's. Answers
    /// how many recipients that were.
    package func recover(holdUncertain: Bool, at now: Timestamp) async throws(StoreError) -> Int {
        try await write { rows throws(StoreError) in
            try rows.recover(holdUncertain: holdUncertain, at: now)
        }
    }

    /// Marks recipients as being sent; answers those that may not be (finished, held, gone).
    @discardableResult
    package func lease(_ keys: [RecipientKey], at now: Timestamp)
        async throws(StoreError) -> [RecipientKey]
    {
        try await write { rows throws(StoreError) in try rows.lease(keys) }
    }

    /// The same for whoever does not need the answer. What is written later is written after it; it
    /// joins the next transaction, at most a few milliseconds later.
    package func noteLease(_ keys: [RecipientKey]) {
        let job = Write<Void>(octets: 0) { rows throws(StoreError) in
            _ = try rows.lease(keys)
        } deliver: { _ in
        }
        writer.submit(patiently: job)
    }

    /// Writes outcomes. Answers the recipients whose status stayed because they were finished
    /// already (canceled meanwhile, or gone); one that was held meanwhile stays held unless it is
    /// finished now.
    @discardableResult
    package func settle(_ settlements: [Settlement]) async throws(StoreError) -> [RecipientKey] {
        let prepared = settlements.map { PreparedSettlement($0) }
        return try await write { rows throws(StoreError) in try rows.settle(prepared) }
    }

    package func content(of message: MessageKey) -> ContentReader {
        ContentReader(self, of: message)
    }
}
