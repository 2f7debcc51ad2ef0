import Mail

/// Messages of an application whose time is up, by their rows.
struct DeadlineSlice: Sendable {
    let seen: Int64
    /// Nil where there is no such message.
    let reached: Int64?
    let isLast: Bool
}

extension Database {
    func deadlineSlice(
        of application: ApplicationID,
        until moment: Timestamp,
        most: Int
    ) throws(StoreError) -> DeadlineSlice {
        let seen =
            try select(
                "SELECT value FROM mark WHERE name = ?",
                [.text(application.deadlineMark)]
            ) { $0.integer(0) }.first ?? 0
        let found = try select(
            """
            SELECT n, created FROM message INDEXED BY message_application
            WHERE application IS NOT NULL AND application = ? AND n > ? ORDER BY n LIMIT ?
            """,
            [.id(application), .integer(seen), .integer(Int64(most))]
        ) { (row: $0.integer(0), created: $0.time(1)) }
        // Rows come in about the order of their time.
        let old = found.prefix { $0.created <= moment }
        return DeadlineSlice(seen: seen, reached: old.last?.row, isLast: old.count < most)
    }

    func hasOverdue(at now: Timestamp) throws(StoreError) -> Bool {
        try !select("SELECT 1 FROM escalation WHERE due <= ? LIMIT 1", [.time(now)]) { _ in true }
            .isEmpty
    }

    func overdue(at now: Timestamp, limit: Int) throws(StoreError) -> [Overdue] {
        try select(
            """
            SELECT e.message, e.idx, m.application, r.route, r.status
            FROM escalation e INDEXED BY escalation_due
                CROSS JOIN recipient r ON r.message = e.message AND r.idx = e.idx
                CROSS JOIN message m ON m.n = e.message
            WHERE e.due <= ? ORDER BY e.due LIMIT ?
            """,
            [.time(now), .integer(Int64(limit))]
        ) { row throws(StoreError) in
            Overdue(
                key: RecipientKey(message: MessageKey(row: row.integer(0)), index: row.int(1)),
                application: try row.optionalIdentifier(2),
                route: row.text(3),
                status: try row.status(4)
            )
        }
    }
}

extension Rows {
    /// The time of a message that was scheduled counts from then.
    func noteDeadlines(
        of application: ApplicationID,
        after seen: Int64,
        through reached: Int64,
        within limit: Duration
    ) throws(StoreError) {
        try database.change(
            """
            INSERT OR IGNORE INTO escalation (message, idx, due)
            SELECT r.message, r.idx, max(m.created, ifnull(m.send_at, 0)) + ?4
            FROM message m INDEXED BY message_application
                CROSS JOIN recipient r ON r.message = m.n
            WHERE m.application IS NOT NULL AND m.application = ?1 AND m.n > ?2 AND m.n <= ?3
                AND r.due IS NOT NULL
            """,
            [
                .id(application), .integer(seen), .integer(reached),
                .integer(limit.wholeMilliseconds),
            ]
        )
        try database.change(
            "INSERT OR REPLACE INTO mark (name, value) VALUES (?, ?)",
            [.text(application.deadlineMark), .integer(reached)]
        )
    }

    func forgetFinishedEscalations(at now: Timestamp) throws(StoreError) {
        try database.change(
            """
            DELETE FROM escalation WHERE due <= ? AND NOT EXISTS (
                SELECT 1 FROM recipient r WHERE r.message = escalation.message
                    AND r.idx = escalation.idx AND r.due IS NOT NULL)
            """,
            [.time(now)]
        )
    }

    func removeEscalation(of message: Int64, _ index: Int) throws(StoreError) {
        try database.change(
            "DELETE FROM escalation WHERE message = ? AND idx = ?",
            [.integer(message), .integer(Int64(index))]
        )
    }

    func postponeEscalation(_ key: RecipientKey, to moment: Timestamp) throws(StoreError) {
        try database.change(
            "UPDATE escalation SET due = ? WHERE message = ? AND idx = ?",
            [.time(moment), .integer(key.message.row), .integer(Int64(key.index))]
        )
    }
}

extension ApplicationID {
    fileprivate var deadlineMark: String { "deadline \(self)" }
}

extension Duration {
    var wholeMilliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }
}
