extension MailStore {
    /// Remembers what a route has used; it joins the next transaction.
    package func note(_ uses: [QuotaUse], of route: String) {
        let job = Write<Void>(octets: 0) { rows throws(StoreError) in
            for use in uses { try rows.note(use, of: route) }
        } deliver: { _ in
        }
        writer.submit(patiently: job)
    }

    /// By route, in the order of their slots. What is older than these slots is forgotten.
    package func quotaUses(minutesFrom minute: Int64, daysFrom day: Int64)
        async throws(StoreError) -> [String: [QuotaUse]]
    {
        try await write { rows throws(StoreError) in
            try rows.forgetQuota(minutesBefore: minute, daysBefore: day)
            return try rows.database.quotaUses()
        }
    }

    /// What is older than these slots is forgotten.
    package func forgetQuota(minutesBefore minute: Int64, daysBefore day: Int64)
        async throws(StoreError)
    {
        try await write { rows throws(StoreError) in
            try rows.forgetQuota(minutesBefore: minute, daysBefore: day)
        }
    }
}

extension Rows {
    func note(_ use: QuotaUse, of route: String) throws(StoreError) {
        try database.change(
            """
            INSERT INTO quota_use (route, span, slot, lane, used) VALUES (?1, ?2, ?3, ?4, ?5)
            ON CONFLICT (route, span, slot, lane) DO UPDATE SET used = used + ?5
            """,
            [
                .text(route), .integer(Int64(use.span.rawValue)), .integer(use.slot),
                .integer(Int64(use.lane)), .integer(Int64(use.count)),
            ]
        )
    }

    func forgetQuota(minutesBefore minute: Int64, daysBefore day: Int64) throws(StoreError) {
        for (span, slot) in [(QuotaUse.Span.minute, minute), (.day, day)] {
            try database.change(
                "DELETE FROM quota_use WHERE span = ? AND slot < ?",
                [.integer(Int64(span.rawValue)), .integer(slot)]
            )
        }
    }
}

extension Database {
    func quotaUses() throws(StoreError) -> [String: [QuotaUse]] {
        var uses: [String: [QuotaUse]] = [:]
        let rows = try select(
            "SELECT route, span, slot, lane, used FROM quota_use ORDER BY slot"
        ) { row in
            (
                row.text(0),
                QuotaUse(
                    span: QuotaUse.Span(rawValue: row.int(1)) ?? .day,
                    slot: row.integer(2),
                    lane: row.int(3),
                    count: row.int(4)
                )
            )
        }
        for (route, use) in rows { uses[route, default: []].append(use) }
        return uses
    }
}
