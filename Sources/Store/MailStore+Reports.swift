package import Mail

/// What senders are owed: see `ReportDebt`.
extension MailStore {
    /// The oldest debts, whole messages together; at most about `limit`.
    package func reportDebts(limit: Int) async throws(StoreError) -> [ReportDebt] {
        try await read { database throws(StoreError) in try database.reportDebts(limit: limit) }
    }

    /// Crosses out debts that will not be paid; an event of each recipient says why.
    package func waive(_ debts: [ReportDebt], detail: [(String, String)], at now: Timestamp)
        async throws(StoreError)
    {
        try await write { rows throws(StoreError) in
            for debt in debts {
                try rows.crossOut(debt, event: "not_notified", detail: detail, at: now)
            }
        }
    }

    /// Crosses out debts of what has changed meanwhile.
    package func forget(_ debts: [ReportDebt]) async throws(StoreError) {
        try await write { rows throws(StoreError) in
            for debt in debts { _ = try rows.remove(debt) }
        }
    }

    /// Writes down a debt for each recipient that waits since that moment or longer and whose sender
    /// has not heard of it; answers how many. The messages are walked once, in the order of their age.
    package func noteDelays(until moment: Timestamp, at now: Timestamp) async throws(StoreError)
        -> Int
    {
        var count = 0
        while true {
            let slice = try await read { database throws(StoreError) in
                try database.delaySlice(until: moment, limit: 2000)
            }
            guard slice.isNews else { return count }
            count += try await write { rows throws(StoreError) in
                try rows.noteDelays(of: slice, at: now)
            }
            if slice.isLast { return count }
        }
    }
}
