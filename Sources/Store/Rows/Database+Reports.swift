import Mail

/// Messages that are old enough for a notice of delay, if something of them still waits.
struct DelaySlice: Sendable {
    var messages: [Int64]
    /// Up to which message all have been looked at, and up to which moment those sent later.
    var reached: Int64
    var reachedTime: Timestamp
    /// Something has grown old since the last time.
    var isNews: Bool
    var isLast: Bool
}

extension Database {
    func reportDebts(limit: Int) throws(StoreError) -> [ReportDebt] {
        let debts = try select(
            """
            SELECT d.message, d.idx, d.kind, d.at, m.id FROM report d JOIN message m ON m.n = d.message
            ORDER BY d.message, d.idx LIMIT ?
            """,
            [.integer(Int64(limit))]
        ) { row throws(StoreError) in
            guard let kind = ReportKind(rawValue: row.int(2)) else {
                throw .damaged("a report of the unknown kind \(row.int(2))")
            }
            return ReportDebt(
                recipient: RecipientKey(
                    message: MessageKey(row: row.integer(0)),
                    index: row.int(1)
                ),
                id: try row.identifier(4),
                kind: kind,
                since: row.time(3)
            )
        }
        // The last message may go on behind the limit.
        guard debts.count == limit, let last = debts.last?.recipient.message,
            debts[0].recipient.message != last
        else { return debts }
        return debts.filter { $0.recipient.message != last }
    }

    /// Messages count from when they were made, or from when they were to be sent where that was
    /// later. Of each kind those are found that came of age since the last time.
    func delaySlice(until moment: Timestamp, limit: Int) throws(StoreError) -> DelaySlice {
        let seen = try mark("delay_message") ?? 0
        let seenTime = try mark("delay_time") ?? 0
        let newest = try newestMessage(before: moment) ?? seen
        var slice = DelaySlice(
            messages: [],
            reached: max(seen, newest),
            reachedTime: max(Timestamp(milliseconds: seenTime), moment),
            isNews: newest > seen || moment.milliseconds > seenTime,
            isLast: true
        )
        guard slice.isNews else { return slice }
        var found = try select(
            """
            SELECT message FROM recipient INDEXED BY recipient_due
            WHERE due IS NOT NULL AND message > ? AND message <= ? ORDER BY message LIMIT ?
            """,
            [.integer(seen), .integer(slice.reached), .integer(Int64(limit))]
        ) { $0.integer(0) }
        if found.count == limit, let last = found.last {
            slice.reached = last
            slice.reachedTime = Timestamp(milliseconds: seenTime)
            slice.isLast = false
        } else {
            found += try select(
                "SELECT n FROM message WHERE send_at IS NOT NULL AND send_at > ? AND send_at <= ?",
                [.integer(seenTime), .time(slice.reachedTime)]
            ) { $0.integer(0) }
        }
        slice.messages = Array(Set(found)).sorted()
        return slice
    }

    private func mark(_ name: String) throws(StoreError) -> Int64? {
        try select("SELECT value FROM mark WHERE name = ?", [.text(name)]) { $0.integer(0) }.first
    }

    /// Ids begin with the time, so the index on them is one on the time.
    private func newestMessage(before moment: Timestamp) throws(StoreError) -> Int64? {
        let limit = MessageID(high: UInt64(max(0, moment.milliseconds)) << 16 | 0xffff, low: .max)
        return try select(
            "SELECT n FROM message INDEXED BY message_id WHERE id <= ? ORDER BY id DESC LIMIT 1",
            [.id(limit)]
        ) { $0.integer(0) }.first
    }
}
