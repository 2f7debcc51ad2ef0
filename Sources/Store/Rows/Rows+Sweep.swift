import Mail

/// What retention may take: the numbers of messages.
struct SweepCandidates: Sendable {
    var contents: [Int64] = []
    var histories: [Int64] = []
    var count: Int { contents.count + histories.count }

    /// In parts, so that each transaction is short.
    func slices(of size: Int) -> [SweepCandidates] {
        let parts = { (all: [Int64]) in
            stride(from: 0, to: all.count, by: size).map { Array(all[$0...].prefix(size)) }
        }
        return parts(contents).map { SweepCandidates(contents: $0) }
            + parts(histories).map { SweepCandidates(histories: $0) }
    }
}

extension Database {
    /// Finished messages past their time, from the oldest on.
    func sweepCandidates(
        contentBefore: Timestamp,
        historyBefore: Timestamp,
        limit: Int
    ) throws(StoreError) -> SweepCandidates {
        var candidates = SweepCandidates()
        candidates.histories = try finished(
            in: "SELECT n, created FROM message ORDER BY n",
            before: historyBefore,
            limit: limit
        )
        let contents = [
            "SELECT b.n, m.created FROM body b JOIN message m ON m.n = b.n ORDER BY b.n",
            """
            SELECT DISTINCT p.message, m.created FROM piece p JOIN message m ON m.n = p.message
            ORDER BY p.message
            """,
        ]
        for sql in contents {
            let room = limit - candidates.count
            guard room > 0 else { break }
            let taken = Set(candidates.histories)
            let found = try finished(in: sql, before: contentBefore, limit: room, except: taken)
            candidates.contents += found
        }
        return candidates
    }

    /// Walks messages by number, which is by age, and stops at the first that is too young.
    private func finished(
        in sql: String,
        before limit: Timestamp,
        limit most: Int,
        except taken: Set<Int64> = []
    ) throws(StoreError) -> [Int64] {
        let open = try prepare(
            "SELECT 1 FROM recipient WHERE message = ? AND due IS NOT NULL LIMIT 1"
        )
        var found: [Int64] = []
        try walk(sql) { row throws(StoreError) in
            guard row.time(1) < limit, found.count < most else { return false }
            let number = row.integer(0)
            open.bind(1, number)
            defer { open.reset() }
            if try !open.step(), !taken.contains(number) { found.append(number) }
            return true
        }
        return found
    }
}

extension Rows {
    /// Removes what is still finished of them; answers how many messages that were.
    func sweep(_ candidates: SweepCandidates) throws(StoreError) -> Int {
        if candidates.count == 0 { return 0 }
        try markNumbers()
        var count = 0
        for message in candidates.contents where try !isUnfinished(message) {
            try removeContent(of: message)
            count += 1
        }
        for message in candidates.histories where try !isUnfinished(message) {
            try removeContent(of: message)
            for sql: StaticString in [
                "DELETE FROM event WHERE message = ?",
                "DELETE FROM report WHERE message = ?",
                "DELETE FROM recipient WHERE message = ?",
                "DELETE FROM message WHERE n = ?",
            ] { try database.change(sql, [.integer(message)]) }
            count += 1
        }
        if !candidates.histories.isEmpty { try sweepEscalated() }
        return count
    }
}
