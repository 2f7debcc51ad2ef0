import Mail

/// A settlement as its rows will be; see `PreparedParcel`.
struct PreparedSettlement: Sendable {
    var texts = TextPool()
    let settlement: Settlement
    let route: TextPool.Place
    let reply: (enhanced: TextPool.Place, text: TextPool.Place, host: TextPool.Place)
    let detail: String?
    /// Nil when the recipient is then finished, or waits for an operator.
    let due: Timestamp?

    init(_ settlement: Settlement) {
        self.settlement = settlement
        route = texts.add(settlement.route)
        let words = settlement.reply
        reply = (texts.add(words?.enhanced), texts.add(words?.text), texts.add(words?.host))
        detail = JSONText.object(settlement.detail, and: settlement.facts)
        due =
            switch settlement.status {
            case _ where settlement.status.isFinal: nil
            case .uncertain: settlement.due
            default: settlement.due ?? settlement.at
            }
    }
}

extension Rows {
    /// Answers those that may not be sent.
    func lease(_ keys: [RecipientKey]) throws(StoreError) -> [RecipientKey] {
        let row = try database.prepare(
            """
            UPDATE recipient SET status = ?1
            WHERE message = ?2 AND idx = ?3 AND due IS NOT NULL AND status <> ?4
            """
        )
        row.bind(1, .sending)
        row.bind(4, .held)
        var refused: [RecipientKey] = []
        for key in keys {
            row.bind(2, key.message.row)
            row.bind(3, key.index)
            try row.run()
            if database.changes == 0 { refused.append(key) }
        }
        return refused
    }

    /// Answers those whose status stayed as it was.
    func settle(_ settlements: [PreparedSettlement]) throws(StoreError) -> [RecipientKey] {
        var ignored: [RecipientKey] = []
        var finished: Set<Int64> = []
        for prepared in settlements {
            let settlement = prepared.settlement
            if try update(prepared) {
                if prepared.due == nil { finished.insert(settlement.key.message.row) }
                if let report = settlement.report {
                    try owe(report, to: settlement.key, at: settlement.at)
                }
                if settlement.escalates { try escalate(settlement.key, at: settlement.at) }
            } else if try !noteOnHeld(prepared) {
                ignored.append(settlement.key)
                guard try hasMessage(settlement.key.message.row) else { continue }
            }
            // What happened is told even when it came too late to count.
            try insertEvent(
                settlement.event,
                at: settlement.at,
                message: settlement.key.message.row,
                recipient: settlement.key.index,
                detail: prepared.detail
            )
        }
        for message in finished where try !isUnfinished(message) { unfinishedChange -= 1 }
        return ignored
    }

    /// False when the recipient is finished, gone, or held and not finished by this.
    private func update(_ prepared: PreparedSettlement) throws(StoreError) -> Bool {
        let row = try database.prepare(
            """
            UPDATE recipient SET status = ?1, attempts = ?2, due = ?3, route = ?4,
                reply_code = ifnull(?5, reply_code), reply_at = ifnull(?6, reply_at),
                reply_enhanced = iif(?5 IS NULL, reply_enhanced, ?7),
                reply_text = ifnull(?8, reply_text), reply_host = ifnull(?9, reply_host)
            WHERE message = ?10 AND idx = ?11 AND due IS NOT NULL AND (status <> ?12 OR ?3 IS NULL)
            """
        )
        let settlement = prepared.settlement
        return try prepared.texts.withTexts { texts throws(StoreError) in
            row.bind(1, settlement.status)
            row.bind(2, settlement.attempts)
            row.bind(3, prepared.due)
            row.bind(4, prepared.route, of: texts)
            row.bind(5, settlement.reply?.code)
            row.bind(6, settlement.reply?.at)
            row.bind(7, prepared.reply.enhanced, of: texts)
            row.bind(8, prepared.reply.text, of: texts)
            row.bind(9, prepared.reply.host, of: texts)
            row.bind(10, settlement.key.message.row)
            row.bind(11, settlement.key.index)
            row.bind(12, .held)
            try row.run()
            return database.changes > 0
        }
    }

    /// Held while it was being sent: the attempt is written down, the hold stays.
    private func noteOnHeld(_ prepared: PreparedSettlement) throws(StoreError) -> Bool {
        let (settlement, reply) = (prepared.settlement, prepared.settlement.reply)
        let sql: StaticString = """
            UPDATE recipient SET attempts = ?1,
                reply_code = ifnull(?2, reply_code), reply_at = ifnull(?3, reply_at),
                reply_enhanced = iif(?2 IS NULL, reply_enhanced, ?4),
                reply_text = ifnull(?5, reply_text), reply_host = ifnull(?6, reply_host)
            WHERE message = ?7 AND idx = ?8 AND status = ?9
            """
        let found = try database.change(
            sql,
            [
                .integer(Int64(settlement.attempts)),
                reply.map { .integer(Int64($0.code)) } ?? .null,
                .time(reply?.at), .text(orNull: reply?.enhanced), .text(orNull: reply?.text),
                .text(orNull: reply?.host), .integer(settlement.key.message.row),
                .integer(Int64(settlement.key.index)), .status(.held),
            ]
        )
        return found > 0
    }

    /// Recipients that were being sent when the process ended.
    func recover(holdUncertain: Bool, at now: Timestamp) throws(StoreError) -> Int {
        let sending = try database.select(
            """
            SELECT r.message, r.idx, a.uncertain FROM recipient r INDEXED BY recipient_due
            CROSS JOIN message m ON m.n = r.message
            LEFT JOIN application a ON a.id = m.application
            WHERE r.due IS NOT NULL AND r.status = ?
            """,
            [.status(.sending)]
        ) { row in
            let isHeld = row.optionalText(2).map { $0 == "hold" } ?? holdUncertain
            return (message: row.integer(0), index: row.int(1), isHeld: isHeld)
        }
        for key in sending {
            try database.change(
                "UPDATE recipient SET status = ?, due = ? WHERE message = ? AND idx = ?",
                [
                    .status(key.isHeld ? .uncertain : .queued), .time(key.isHeld ? nil : now),
                    .integer(key.message), .integer(Int64(key.index)),
                ]
            )
            try insertEvent(
                key.isHeld ? RecipientStatus.uncertain.name : "recovered",
                at: now,
                message: key.message,
                recipient: key.index,
                detail: Self.interruption
            )
        }
        for message in Set(sending.filter(\.isHeld).map(\.message))
        where try !isUnfinished(message) { unfinishedChange -= 1 }
        return sending.count
    }

    private static let interruption = JSONText.object([
        ("text", "the gateway ended while the mail was being sent")
    ])

    func isUnfinished(_ message: Int64) throws(StoreError) -> Bool {
        let row = try database.prepare(
            "SELECT 1 FROM recipient WHERE message = ? AND due IS NOT NULL LIMIT 1"
        )
        defer { row.reset() }
        row.bind(1, message)
        return try row.step()
    }

    private func hasMessage(_ message: Int64) throws(StoreError) -> Bool {
        let row = try database.prepare("SELECT 1 FROM message WHERE n = ?")
        defer { row.reset() }
        row.bind(1, message)
        return try row.step()
    }
}
