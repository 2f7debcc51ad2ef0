import Mail

extension Rows {
    /// Twice the same is one.
    func owe(_ kind: ReportKind, to key: RecipientKey, at now: Timestamp) throws(StoreError) {
        try database.change(
            "INSERT OR IGNORE INTO report (message, idx, kind, at) VALUES (?, ?, ?, ?)",
            [
                .integer(key.message.row), .integer(Int64(key.index)),
                .integer(Int64(kind.rawValue)), .time(now),
            ]
        )
    }

    /// False when it is owed no longer.
    func remove(_ debt: ReportDebt) throws(StoreError) -> Bool {
        try database.change(
            "DELETE FROM report WHERE message = ? AND idx = ? AND kind = ?",
            [
                .integer(debt.recipient.message.row), .integer(Int64(debt.recipient.index)),
                .integer(Int64(debt.kind.rawValue)),
            ]
        ) > 0
    }

    func crossOut(
        _ debt: ReportDebt,
        event: String,
        detail: [(String, String)],
        at now: Timestamp
    ) throws(StoreError) {
        guard try remove(debt) else { throw .conflict("the report is no longer owed") }
        try insertEvent(
            event,
            at: now,
            message: debt.recipient.message.row,
            recipient: debt.recipient.index,
            detail: JSONText.object([("report", debt.kind.action)] + detail)
        )
    }

    func fulfil(_ condition: KeepCondition, at now: Timestamp) throws(StoreError) {
        switch condition {
        case .paying(let debts, let detail):
            for debt in debts {
                try crossOut(debt, event: "notified", detail: detail, at: now)
            }
        case .firstOfDay(let day, let cause):
            let isFirst = try database.change(
                """
                INSERT INTO notice (cause, day) VALUES (?1, ?2)
                ON CONFLICT (cause) DO UPDATE SET day = ?2 WHERE day < ?2
                """,
                [.text(cause), .integer(Int64(day))]
            )
            if isFirst == 0 { throw .conflict("\(cause) was noticed that day") }
        case .escalating(let message, let detail):
            try endRecipientStep(of: message, detail: detail, at: now)
        }
    }

    /// NOTIFY decides where the sender gave it (bit 4 is DELAY); null senders hear nothing.
    func noteDelays(of slice: DelaySlice, at now: Timestamp) throws(StoreError) -> Int {
        var count = 0
        for message in slice.messages {
            count += try database.change(
                """
                INSERT OR IGNORE INTO report (message, idx, kind, at)
                SELECT r.message, r.idx, ?1, ?2 FROM recipient r JOIN message m ON m.n = r.message
                WHERE r.message = ?3 AND r.due IS NOT NULL AND r.status NOT IN (?4, ?5)
                    AND m.sender_local IS NOT NULL
                    AND (m.send_at IS NULL OR m.send_at <= m.created OR m.send_at <= ?6)
                    AND (r.dsn_notify IS NULL OR r.dsn_notify & 4 <> 0)
                """,
                [
                    .integer(Int64(ReportKind.delayed.rawValue)), .time(now), .integer(message),
                    .status(.held), .status(.scheduled), .time(slice.reachedTime),
                ]
            )
        }
        for (name, value) in [
            ("delay_message", slice.reached), ("delay_time", slice.reachedTime.milliseconds),
        ] {
            try database.change(
                "INSERT OR REPLACE INTO mark (name, value) VALUES (?, ?)",
                [.text(name), .integer(value)]
            )
        }
        return count
    }
}
