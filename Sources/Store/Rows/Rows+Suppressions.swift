import Mail

extension Database {
    func suppressions(after address: String, limit: Int) throws(StoreError) -> [SuppressionRecord] {
        try select(
            """
            SELECT address, reason, comment, created, expires FROM suppression
            WHERE address > ? ORDER BY address LIMIT ?
            """,
            [.text(address), .integer(Int64(limit))]
        ) { row throws(StoreError) in try row.suppression() }
    }

    func suppression(of address: String) throws(StoreError) -> SuppressionRecord? {
        try select(
            "SELECT address, reason, comment, created, expires FROM suppression WHERE address = ?",
            [.text(address)]
        ) { row throws(StoreError) in try row.suppression() }.first
    }

    func expiredSuppressions(at now: Timestamp) throws(StoreError) -> [String] {
        try select(
            "SELECT address FROM suppression WHERE expires <= ? LIMIT 1000",
            [.time(now)]
        ) { $0.text(0) }
    }
}

extension Rows {
    func insert(_ suppression: SuppressionRecord, by who: String) throws(StoreError) {
        try database.change(
            """
            INSERT INTO suppression (address, reason, comment, created, expires)
            VALUES (?, ?, ?, ?, ?)
            """,
            [
                .text(suppression.address), .text(suppression.reason.rawValue),
                .text(orNull: suppression.comment), .time(suppression.createdAt),
                .time(suppression.expiresAt),
            ]
        )
        var detail = [
            ("address", suppression.address), ("reason", suppression.reason.rawValue), ("by", who),
        ]
        if let end = suppression.expiresAt { detail.append(("expires_at", end.rfc3339)) }
        try insertEvent(
            "suppression.added",
            at: suppression.createdAt,
            message: nil,
            detail: JSONText.object(detail)
        )
    }

    func update(_ suppression: SuppressionRecord) throws(StoreError) {
        let found = try database.change(
            "UPDATE suppression SET comment = ?, expires = ? WHERE address = ?",
            [
                .text(orNull: suppression.comment), .time(suppression.expiresAt),
                .text(suppression.address),
            ]
        )
        if found == 0 { throw .notFound }
    }

    func removeSuppression(of address: String, at now: Timestamp, by who: String)
        throws(StoreError)
    {
        let found = try database.change(
            "DELETE FROM suppression WHERE address = ?",
            [.text(address)]
        )
        if found == 0 { throw .notFound }
        // Whoever is let in again begins anew.
        try database.change("DELETE FROM hard_bounce WHERE address = ?", [.text(address)])
        try insertEvent(
            "suppression.removed",
            at: now,
            message: nil,
            detail: JSONText.object([("address", address), ("by", who)])
        )
    }

    /// True when it was one too many.
    func noteHardBounce(
        of address: String,
        _ message: MessageKey,
        at now: Timestamp,
        _ policy: SuppressionPolicy
    ) throws(StoreError) -> Bool {
        try database.change(
            "INSERT OR REPLACE INTO hard_bounce (address, message, at) VALUES (?, ?, ?)",
            [.text(address), .integer(message.row), .time(now)]
        )
        let counts = try database.select(
            "SELECT count(*) FROM hard_bounce WHERE address = ? AND at > ?",
            [.text(address), .time(now - policy.within)]
        ) { $0.int(0) }
        guard let count = counts.first, count >= policy.hardBounces,
            try database.suppression(of: address) == nil
        else { return false }
        let record = SuppressionRecord(
            address: address,
            reason: .hardBounces,
            comment: "\(count) messages bounced within \(policy.within.components.seconds) s",
            createdAt: now,
            expiresAt: policy.span.map { now + $0 }
        )
        try insert(record, by: "policy")
        try database.change("DELETE FROM hard_bounce WHERE address = ?", [.text(address)])
        return true
    }

    func forgetBounces(before limit: Timestamp) throws(StoreError) {
        try database.change("DELETE FROM hard_bounce WHERE at < ?", [.time(limit)])
    }
}

extension Statement {
    fileprivate func suppression() throws(StoreError) -> SuppressionRecord {
        guard let reason = SuppressionRecord.Reason(rawValue: text(1)) else {
            throw .damaged("a suppression for the unknown reason \(text(1))")
        }
        return SuppressionRecord(
            address: text(0),
            reason: reason,
            comment: optionalText(2),
            createdAt: time(3),
            expiresAt: optionalTime(4)
        )
    }
}
