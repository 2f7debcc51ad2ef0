import Mail

/// Counted as they are read: to group them, SQLite would sort a row for every recipient that waits,
/// which of a million takes twice as long and 100 MB.
extension Database {
    /// How many recipients wait for each route.
    func depths() throws(StoreError) -> [String: Int] {
        let sql = "SELECT route FROM recipient INDEXED BY recipient_due WHERE due IS NOT NULL"
        var depths: [String: Int] = [:]
        try walk(sql) { row throws(StoreError) in
            depths[row.text(0), default: 0] += 1
            return true
        }
        return depths
    }

    /// What waits for its time or for an operator, by route and lane.
    func queueSummary(of application: ApplicationID?) throws(StoreError) -> [QueueLine] {
        let sql = """
            WITH waiting AS (
                SELECT message, route, status, domain FROM recipient INDEXED BY recipient_due
                WHERE due IS NOT NULL
                UNION ALL
                SELECT message, route, status, domain FROM recipient INDEXED BY recipient_status
                WHERE status = ?1 AND status <> 70 AND status <> 80 AND status <> 110
                    AND status <> 120 AND due IS NULL
            )
            SELECT r.route, r.status, r.domain, m.priority, m.created
            FROM waiting r CROSS JOIN message m ON m.n = r.message
            WHERE ?2 IS NULL OR m.application = ?2
            """
        var kinds: [Kind: (count: Int, oldest: Timestamp)] = [:]
        try walk(sql, [.status(.uncertain), .id(application)]) { row throws(StoreError) in
            let kind = Kind(
                route: row.text(0),
                priority: Priority(rawValue: row.int(3)) ?? .normal,
                status: try row.status(1),
                domain: row.text(2)
            )
            let created = row.time(4)
            let before = kinds[kind] ?? (0, created)
            kinds[kind] = (before.count + 1, min(before.oldest, created))
            return true
        }
        return kinds.sorted { $0.key.place < $1.key.place }.map { kind, found in
            QueueLine(
                route: kind.route,
                status: kind.status,
                domain: kind.domain,
                priority: kind.priority,
                count: found.count,
                oldest: found.oldest
            )
        }
    }
}

private struct Kind: Hashable {
    let route: String
    let priority: Priority
    let status: RecipientStatus
    let domain: String

    var place: (String, Int, Int, String) {
        (route, priority.rawValue, status.rawValue, domain)
    }
}
