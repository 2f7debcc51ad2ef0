import Mail

/// What an operator may order for a message.
enum Order: Sendable {
    case cancel
    case retry
    case hold
    case release

    /// The type of the event that tells it.
    var event: String {
        switch self {
        case .cancel: "canceled"
        case .retry: "retried"
        case .hold: "held"
        case .release: "released"
        }
    }

    /// A recipient being sent is nobody's to change: what the next hop says will decide.
    func applies(to status: RecipientStatus, isDue: Bool) -> Bool {
        switch self {
        case .cancel: isDue && status != .sending
        case .retry: [.deferred, .failed, .expired, .uncertain, .suppressed].contains(status)
        case .hold: isDue && status != .sending && status != .held
        case .release: status == .held
        }
    }

    /// The state after it, and when the recipient is due then.
    func outcome(
        due: Timestamp?,
        sendAt: Timestamp?,
        now: Timestamp
    ) -> (status: RecipientStatus, due: Timestamp?) {
        switch self {
        case .cancel: return (.canceled, nil)
        case .hold: return (.held, due ?? now)
        case .retry: return (.queued, now)
        case .release:
            guard let sendAt, sendAt > now else { return (.queued, now) }
            return (.scheduled, sendAt)
        }
    }
}

extension Rows {
    func carryOut(
        _ order: Order,
        on id: MessageID,
        at now: Timestamp,
        by who: String
    ) throws(StoreError) -> StateChange {
        let found = try database.select(
            "SELECT n, send_at FROM message WHERE id = ?",
            [.id(id)]
        ) { (number: $0.integer(0), sendAt: $0.optionalTime(1)) }
        guard let message = found.first else { throw .notFound }
        let recipients = try database.select(
            "SELECT idx, status, due FROM recipient WHERE message = ? ORDER BY idx",
            [.integer(message.number)]
        ) { row throws(StoreError) in
            (index: row.int(0), status: try row.status(1), due: row.optionalTime(2))
        }
        let chosen = recipients.filter { order.applies(to: $0.status, isDue: $0.due != nil) }
        guard !chosen.isEmpty else {
            throw .conflict("no recipient is in a state that allows it")
        }
        if order == .retry { try checkContent(of: message.number) }

        for recipient in chosen {
            let outcome = order.outcome(due: recipient.due, sendAt: message.sendAt, now: now)
            try database.change(
                "UPDATE recipient SET status = ?, due = ? WHERE message = ? AND idx = ?",
                [
                    .status(outcome.status), .time(outcome.due), .integer(message.number),
                    .integer(Int64(recipient.index)),
                ]
            )
            try insertEvent(
                order.event,
                at: now,
                message: message.number,
                recipient: recipient.index,
                detail: JSONText.object([("by", who)])
            )
        }
        let wasUnfinished = recipients.contains { $0.due != nil }
        let isUnfinished = try isUnfinished(message.number)
        unfinishedChange += (isUnfinished ? 1 : 0) - (wasUnfinished ? 1 : 0)
        return try change(of: chosen.map(\.index), in: message.number)
    }

    private func change(of indexes: [Int], in message: Int64) throws(StoreError) -> StateChange {
        let key = MessageKey(row: message)
        let entries = try database.entries(of: message).filter { entry in
            entry.status != .held && indexes.contains(entry.key.index)
        }
        return StateChange(
            keys: indexes.map { RecipientKey(message: key, index: $0) },
            entries: entries
        )
    }

    /// Nothing can be sent once retention took the content.
    private func checkContent(of message: Int64) throws(StoreError) {
        let found = try database.select(
            """
            SELECT 1 FROM body WHERE n = ?1
            UNION ALL SELECT 1 FROM piece WHERE message = ?1 LIMIT 1
            """,
            [.integer(message)]
        ) { _ in true }
        if found.isEmpty { throw .conflict("the content is no longer kept") }
    }
}
