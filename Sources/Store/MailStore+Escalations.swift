package import Mail

/// What happens to mail that waits too long, in this order.
package enum EscalationStep: Int, Sendable {
    /// It goes by another route.
    case route = 1
    /// Somebody else gets a copy.
    case recipient = 2
}

/// A recipient whose deadline has passed, or that failed.
package struct Overdue: Sendable, Equatable {
    package let key: RecipientKey
    /// The one that is due.
    package let step: EscalationStep
    /// Nil where the message is gone.
    package let id: MessageID?
    package let application: ApplicationID?
    package let route: String
    package let status: RecipientStatus?
    /// Somebody else has a copy of the message.
    package let isEscalated: Bool
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

    /// Those whose time is up, the oldest first, whatever became of them.
    package func overdue(at now: Timestamp, limit: Int) async throws(StoreError) -> [Overdue] {
        try await read { database throws(StoreError) in
            try database.overdue(at: now, limit: limit)
        }
    }

    /// The step by another route is left out; an event of each recipient says why. `next`: when the
    /// step behind it is due; without one there is none.
    package func skipRoute(
        for keys: [RecipientKey],
        detail: [(String, String)],
        next: Timestamp?,
        at now: Timestamp
    ) async throws(StoreError) {
        try await write { rows throws(StoreError) in
            for key in keys {
                try rows.tellNotEscalated(key, detail: detail, at: now)
                try rows.endRouteStep(of: key.message.row, key.index, next: next)
            }
        }
    }

    /// Nobody else can have a copy; an event of each recipient says why.
    package func giveUpEscalation(
        of keys: [RecipientKey],
        detail: [(String, String)],
        at now: Timestamp
    ) async throws(StoreError) {
        try await write { rows throws(StoreError) in
            for key in keys {
                try rows.tellNotEscalated(key, detail: detail, at: now)
                try rows.removeEscalation(of: key.message.row, key.index)
            }
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
