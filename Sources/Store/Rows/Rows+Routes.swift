import Mail

extension Database {
    func suspensions() throws(StoreError) -> [RouteSuspension] {
        try select("SELECT name, reason, by, since, until FROM suspension ORDER BY name") {
            RouteSuspension(
                route: $0.text(0),
                reason: $0.text(1),
                by: $0.text(2),
                since: $0.time(3),
                until: $0.optionalTime(4)
            )
        }
    }
}

extension Rows {
    func suspend(_ suspension: RouteSuspension) throws(StoreError) {
        try database.change(
            """
            INSERT OR REPLACE INTO suspension (name, reason, by, since, until)
            VALUES (?, ?, ?, ?, ?)
            """,
            [
                .text(suspension.route), .text(suspension.reason), .text(suspension.by),
                .time(suspension.since), .time(suspension.until),
            ]
        )
        var detail = [
            ("route", suspension.route), ("reason", suspension.reason), ("by", suspension.by),
        ]
        if let until = suspension.until { detail.append(("until", until.rfc3339)) }
        try insertEvent(
            "route.suspended",
            at: suspension.since,
            message: nil,
            detail: JSONText.object(detail)
        )
    }

    func resume(
        _ route: String,
        at now: Timestamp,
        by who: String,
        endedAt: Timestamp?
    ) throws(StoreError) -> Bool {
        let found = try database.change(
            "DELETE FROM suspension WHERE name = ?1 AND (?2 IS NULL OR until <= ?2)",
            [.text(route), .time(endedAt)]
        )
        guard found > 0 else { return false }
        try insertEvent(
            "route.resumed",
            at: now,
            message: nil,
            detail: JSONText.object([("route", route), ("by", who)])
        )
        return true
    }
}
