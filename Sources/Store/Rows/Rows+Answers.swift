import Mail

extension Database {
    /// What an unexpired use of the same key was answered; nil when there was none.
    func answer(to claim: IdempotencyClaim, at now: Timestamp) throws(StoreError) -> KeepResult? {
        let sql: StaticString = """
            SELECT fingerprint, status, headers, body FROM answer
            WHERE scope = ? AND key = ? AND expires > ?
            """
        let found = try select(
            sql,
            [.text(claim.scope), .text(claim.key), .time(now)]
        ) { row throws(StoreError) in
            (row.octets(0), row.int(1), row.optionalText(2), row.octets(3))
        }
        guard let (fingerprint, status, headers, body) = found.first else { return nil }
        guard fingerprint == claim.fingerprint else { return .mismatched }
        return .replayed(
            StoredAnswer(status: status, headers: try pairs(in: headers), body: body)
        )
    }
}

extension Rows {
    func insert(_ claim: IdempotencyClaim) throws(StoreError) {
        // Only an expired answer can be in the way.
        try database.change(
            """
            INSERT OR REPLACE INTO answer (scope, key, fingerprint, status, headers, body, expires)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            """,
            [
                .text(claim.scope), .text(claim.key), .octets(claim.fingerprint),
                .integer(Int64(claim.answer.status)),
                .text(orNull: JSONText.pairs(claim.answer.headers)),
                .octets(claim.answer.body), .time(claim.expires),
            ]
        )
    }

    /// Answers how many there were.
    func removeAnswers(expiredAt now: Timestamp, limit: Int) throws(StoreError) -> Int {
        try database.change(
            "DELETE FROM answer WHERE n IN (SELECT n FROM answer WHERE expires <= ? LIMIT ?)",
            [.time(now), .integer(Int64(limit))]
        )
    }
}
