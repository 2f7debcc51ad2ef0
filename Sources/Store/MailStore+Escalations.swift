package import Mail

/// A recipient whose deadline has passed.
package struct Overdue: Sendable, Equatable {
    package let key: RecipientKey
    package let application: ApplicationID?
    package let route: String
    package let status: RecipientStatus
}

/// Deadlines of applications. Messages are looked at once, when their time is up; only recipients
/// that are unfinished then get a row.
extension MailStore {
    /// Puts on the list what that application's messages have unfinished when their time is up.
    package func noteDeadlines(
        of application: ApplicationID,
        within limit: Duration,
        at now: Timestamp
    ) async throws(StoreError) {
        var slice: DeadlineSlice
        repeat {
            slice = try await read { database throws(StoreError) in
                try database.deadlineSlice(of: application, until: now - limit, most: 2000)
            }
            guard let reached = slice.reached else { return }
            try await write { [slice] rows throws(StoreError) in
                try rows.noteDeadlines(
                    of: application,
                    after: slice.seen,
                    through: reached,
                    within: limit
                )
            }
        } while !slice.isLast
    }

    /// Those whose time is up, the oldest first. What needs no more looking at is taken off the list.
    package func overdue(at now: Timestamp, limit: Int) async throws(StoreError) -> [Overdue] {
        let isAny = try await read { database throws(StoreError) in
            try database.hasOverdue(at: now)
        }
        guard isAny else { return [] }
        try await write { rows throws(StoreError) in try rows.forgetFinishedEscalations(at: now) }
        return try await read { database throws(StoreError) in
            try database.overdue(at: now, limit: limit)
        }
    }

    /// Nothing is done for them.
    package func forgetEscalations(_ keys: [RecipientKey]) async throws(StoreError) {
        try await write { rows throws(StoreError) in
            for key in keys { try rows.removeEscalation(of: key.message.row, key.index) }
        }
    }

    /// They are looked at again later.
    package func postponeEscalations(_ keys: [RecipientKey], to moment: Timestamp)
        async throws(StoreError)
    {
        try await write { rows throws(StoreError) in
            for key in keys { try rows.postponeEscalation(key, to: moment) }
        }
    }
}
