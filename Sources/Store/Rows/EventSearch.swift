import Mail

/// A query of the event log as SQL.
struct EventSearch {
    /// So many events are looked at in one reading: a filter that fits few must not take for ever.
    static let stretch: Int64 = 20_000

    private(set) var condition = "e.n > ? AND e.n <= ?"
    private(set) var values: [SQLValue]

    init(_ query: EventQuery, upTo last: Int64) {
        values = [.integer(query.after), .integer(last)]
        if let message = query.message {
            condition += " AND e.message = (SELECT n FROM message WHERE id = ?)"
            values.append(.id(message))
        }
        if let application = query.application {
            // The plus: by the index on applications it would collect all their mail for each page.
            condition += " AND +m.application = ?"
            values.append(.id(application))
        }
        if !query.types.isEmpty {
            let marks = Array(repeating: "?", count: query.types.count).joined(separator: ", ")
            condition += " AND e.type IN (\(marks))"
            values += query.types.map { .text($0) }
        }
    }
}

extension Database {
    func eventPage(_ query: EventQuery) throws(StoreError) -> EventPage {
        let newest = try integer("SELECT max(n) FROM event") ?? 0
        // Of one message there is an index.
        let isNarrow = query.message != nil
        let last = isNarrow ? newest : min(newest, query.after + EventSearch.stretch)
        let search = EventSearch(query, upTo: last)
        let sql = """
            \(Self.eventSource) WHERE \(search.condition) ORDER BY e.n LIMIT ?
            """
        let values = search.values + [.integer(Int64(query.limit))]
        let events = try select(composed: sql, values, Self.event)
        let isCut = events.count == query.limit
        let position = isCut ? events.last?.number ?? last : last
        return EventPage(
            events: events,
            position: max(position, query.after),
            isEnd: position >= newest
        )
    }
}

extension Rows {
    /// What concerns no message, kept as long as the history of messages.
    func removeEvents(before moment: Timestamp, limit: Int) throws(StoreError) -> Int {
        try markNumbers()
        return try database.change(
            """
            DELETE FROM event WHERE n IN (SELECT n FROM event INDEXED BY event_other
                WHERE message IS NULL AND at < ? LIMIT ?)
            """,
            [.time(moment), .integer(Int64(limit))]
        )
    }
}
