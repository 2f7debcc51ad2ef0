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

    /// The oldest first. What became of each is for the caller to judge: a walk that passed over the
    /// finished would look at all of them each time.
    func overdue(at now: Timestamp, limit: Int) throws(StoreError) -> [Overdue] {
        try select(
            """
            SELECT e.message, e.idx, e.step, m.id, m.application, r.route, r.status,
                EXISTS (SELECT 1 FROM escalated c WHERE c.message = e.message)
            FROM escalation e INDEXED BY escalation_due
                LEFT JOIN message m ON m.n = e.message
                LEFT JOIN recipient r ON r.message = e.message AND r.idx = e.idx
            WHERE e.due <= ? ORDER BY e.due LIMIT ?
            """,
            [.time(now), .integer(Int64(limit))]
        ) { row throws(StoreError) in
            guard let step = EscalationStep(rawValue: row.int(2)) else {
                throw .damaged("an escalation of the unknown step \(row.int(2))")
            }
            return Overdue(
                key: RecipientKey(message: MessageKey(row: row.integer(0)), index: row.int(1)),
                step: step,
                id: try row.optionalIdentifier(3),
                application: try row.optionalIdentifier(4),
                route: row.optionalText(5) ?? "",
                status: row.isNull(6) ? nil : try row.status(6),
                isEscalated: row.int(7) == 1
            )
        }
    }
}

extension Rows {
    /// The time of a message that was scheduled counts from then. What is uncertain may wait for an
    /// operator, without a due time of its own.
    func noteDeadlines(
        of application: ApplicationID,
        after seen: Int64,
        through reached: Int64,
        within limit: Duration
    ) throws(StoreError) {
        try database.change(
            """
            INSERT OR IGNORE INTO escalation (message, idx, step, due)
            SELECT r.message, r.idx, ?5, max(m.created, ifnull(m.send_at, 0)) + ?4
            FROM message m INDEXED BY message_application
                CROSS JOIN recipient r ON r.message = m.n
            WHERE m.application IS NOT NULL AND m.application = ?1 AND m.n > ?2 AND m.n <= ?3
                AND (r.due IS NOT NULL OR r.status = ?6)
            """,
            [
                .id(application), .integer(seen), .integer(reached),
                .integer(limit.wholeMilliseconds), .step(.route), .status(.uncertain),
            ]
        )
        try database.change(
            "INSERT OR REPLACE INTO mark (name, value) VALUES (?, ?)",
            [.text(application.deadlineMark), .integer(reached)]
        )
    }

    /// Nothing is done where the message has had its copy.
    func escalate(_ key: RecipientKey, at now: Timestamp) throws(StoreError) {
        try database.change(
            """
            INSERT OR REPLACE INTO escalation (message, idx, step, due) SELECT ?1, ?2, ?3, ?4
            WHERE NOT EXISTS (SELECT 1 FROM escalated WHERE message = ?1)
            """,
            [
                .integer(key.message.row), .integer(Int64(key.index)), .step(.recipient),
                .time(now),
            ]
        )
    }

    /// The same for whoever does not know whether the application asks for it.
    func escalateIfAsked(_ key: RecipientKey, at now: Timestamp) throws(StoreError) {
        let asks = try database.select(
            """
            SELECT 1 FROM message m JOIN application a ON a.id = m.application
            WHERE m.n = ? AND a.escalate_to IS NOT NULL
            """,
            [.integer(key.message.row)]
        ) { _ in true }
        if !asks.isEmpty { try escalate(key, at: now) }
    }

    /// `next`: when the step behind it is due; without one there is none.
    func endRouteStep(of message: Int64, _ index: Int, next: Timestamp?) throws(StoreError) {
        guard let next else { return try removeEscalation(of: message, index) }
        try database.change(
            "UPDATE escalation SET step = ?, due = ? WHERE message = ? AND idx = ?",
            [.step(.recipient), .time(next), .integer(message), .integer(Int64(index))]
        )
    }

    /// Of the whole message: one copy tells about all recipients.
    func endRecipientStep(
        of message: MessageKey,
        detail: [(String, String)],
        at now: Timestamp
    ) throws(StoreError) {
        let isFirst = try database.change(
            "INSERT OR IGNORE INTO escalated (message) VALUES (?)",
            [.integer(message.row)]
        )
        guard isFirst > 0 else { throw .conflict("somebody else has a copy already") }
        try database.change(
            "DELETE FROM escalation WHERE message = ? AND step = ?",
            [.integer(message.row), .step(.recipient)]
        )
        try insertEvent(
            "escalated",
            at: now,
            message: message.row,
            detail: JSONText.object(detail)
        )
    }

    func tellNotEscalated(
        _ key: RecipientKey,
        detail: [(String, String)],
        at now: Timestamp
    ) throws(StoreError) {
        try insertEvent(
            "not_escalated",
            at: now,
            message: key.message.row,
            recipient: key.index,
            detail: JSONText.object(detail)
        )
    }

    /// Messages go about in the order of their numbers.
    func sweepEscalated() throws(StoreError) {
        try database.change(
            "DELETE FROM escalated WHERE message < ifnull((SELECT min(n) FROM message), ?)",
            [.integer(.max)]
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

extension SQLValue {
    fileprivate static func step(_ step: EscalationStep) -> SQLValue {
        .integer(Int64(step.rawValue))
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
