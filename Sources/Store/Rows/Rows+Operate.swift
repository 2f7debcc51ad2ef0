import Mail

extension Rows {
    /// All recipients of a message; `.conflict` when the order is for none of them.
    func carryOut(
        _ order: Order,
        on id: MessageID,
        at now: Timestamp,
        by who: String
    ) throws(StoreError) -> StateChange {
        let found = try database.select(
            "SELECT m.n, r.idx FROM message m JOIN recipient r ON r.message = m.n WHERE m.id = ?",
            [.id(id)]
        ) { RecipientKey(message: MessageKey(row: $0.integer(0)), index: $0.int(1)) }
        guard !found.isEmpty else { throw .notFound }
        var change = try carryOut(order, on: found, at: now, by: who)
        guard !change.keys.isEmpty else {
            throw .conflict(change.obstacle ?? "no recipient is in a state that allows it")
        }
        change.entries = change.entries.filter { change.keys.contains($0.key) }
        return change
    }

    /// Those of the recipients that are in a state for it. The others stay as they are.
    func carryOut(
        _ order: Order,
        on keys: [RecipientKey],
        at now: Timestamp,
        by who: String
    ) throws(StoreError) -> StateChange {
        var change = StateChange(keys: [], entries: [])
        var rest = keys[...]
        while let message = rest.first?.message {
            let own = rest.prefix { $0.message == message }
            rest = rest.dropFirst(own.count)
            try carryOut(order, on: Set(own.map(\.index)), of: message, at: now, by: who, &change)
        }
        return change
    }

    private func carryOut(
        _ order: Order,
        on indexes: Set<Int>,
        of message: MessageKey,
        at now: Timestamp,
        by who: String,
        _ change: inout StateChange
    ) throws(StoreError) {
        let recipients = try standings(in: message.row)
        var chosen = recipients.filter {
            indexes.contains($0.index) && order.applies(to: $0.status, isDue: $0.due != nil)
        }
        if chosen.contains(where: { order.revives($0.status) }), try !hasContent(message.row) {
            // Nothing can be sent once retention took the content.
            chosen = []
            change.obstacle = "the content is no longer kept"
        }
        for recipient in chosen {
            try write(order, to: recipient, of: message.row, at: now, by: who)
        }
        if !chosen.isEmpty {
            let wasUnfinished = recipients.contains { $0.due != nil }
            let isUnfinished = try isUnfinished(message.row)
            unfinishedChange += (isUnfinished ? 1 : 0) - (wasUnfinished ? 1 : 0)
        }
        change.keys += chosen.map { RecipientKey(message: message, index: $0.index) }
        change.entries += try database.entries(of: message.row).filter { entry in
            ![.held, .sending].contains(entry.status) && indexes.contains(entry.key.index)
        }
    }

    private func write(
        _ order: Order,
        to recipient: Standing,
        of message: Int64,
        at now: Timestamp,
        by who: String
    ) throws(StoreError) {
        let after = order.outcome(
            of: recipient.status,
            due: recipient.due,
            sendAt: recipient.sendAt,
            now: now
        )
        var (route, detail) = (recipient.route, [("by", who)])
        if case .reroute(let other) = order {
            detail += [("from", route), ("to", other)]
            route = other
        }
        if case .escalate(let other, let reason, let next) = order {
            detail = [("step", "route"), ("from", route), ("to", other), ("reason", reason)]
            route = other
            try endRouteStep(of: message, recipient.index, next: next)
        }
        try database.change(
            "UPDATE recipient SET status = ?, due = ?, route = ? WHERE message = ? AND idx = ?",
            [
                .status(after.status), .time(after.due), .text(route), .integer(message),
                .integer(Int64(recipient.index)),
            ]
        )
        try insertEvent(
            order.event,
            at: now,
            message: message,
            recipient: recipient.index,
            detail: JSONText.object(detail)
        )
    }

    /// What an order must know of a recipient.
    private struct Standing {
        let index: Int
        let status: RecipientStatus
        let due: Timestamp?
        let route: String
        let sendAt: Timestamp?
    }

    private func standings(in message: Int64) throws(StoreError) -> [Standing] {
        try database.select(
            """
            SELECT r.idx, r.status, r.due, r.route, m.send_at
            FROM message m JOIN recipient r ON r.message = m.n WHERE m.n = ? ORDER BY r.idx
            """,
            [.integer(message)]
        ) { row throws(StoreError) in
            Standing(
                index: row.int(0),
                status: try row.status(1),
                due: row.optionalTime(2),
                route: row.text(3),
                sendAt: row.optionalTime(4)
            )
        }
    }

    private func hasContent(_ message: Int64) throws(StoreError) -> Bool {
        try !database.select(
            """
            SELECT 1 FROM body WHERE n = ?1
            UNION ALL SELECT 1 FROM piece WHERE message = ?1 LIMIT 1
            """,
            [.integer(message)]
        ) { _ in true }.isEmpty
    }
}
