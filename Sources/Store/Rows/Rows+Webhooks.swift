import Mail

extension Database {
    func webhooks() throws(StoreError) -> [WebhookRecord] {
        try select(
            """
            SELECT id, url, events, application, secret, old_secret, old_until, created, disabled,
                position, success, failure, error
            FROM webhook ORDER BY created, id
            """
        ) { row throws(StoreError) in
            var webhook = WebhookRecord(
                id: try row.identifier(0),
                url: row.text(1),
                types: try strings(in: row.text(2)),
                application: try row.optionalIdentifier(3),
                secret: row.octets(4),
                createdAt: row.time(7),
                position: row.integer(9)
            )
            webhook.oldSecret = row.isNull(5) ? nil : row.octets(5)
            webhook.oldSecretUntil = row.optionalTime(6)
            webhook.disabled = row.optionalText(8)
            webhook.lastSuccessAt = row.optionalTime(10)
            webhook.lastFailureAt = row.optionalTime(11)
            webhook.lastError = row.optionalText(12)
            return webhook
        }
    }

    func retries(of webhook: WebhookID, dueBy now: Timestamp, limit: Int)
        throws(StoreError) -> (due: [WebhookRetry], next: Timestamp?, waiting: Int)
    {
        let due = try select(
            """
            SELECT event, attempts, first, due, error FROM webhook_retry
            WHERE webhook = ? AND due <= ? ORDER BY due LIMIT ?
            """,
            [.id(webhook), .time(now), .integer(Int64(limit))],
            { $0.retry() }
        )
        let rest = try select(
            "SELECT min(due), count(*) FROM webhook_retry WHERE webhook = ? AND due IS NOT NULL",
            [.id(webhook)]
        ) { (next: $0.optionalTime(0), count: $0.int(1)) }
        return (due, rest.first?.next, rest.first?.count ?? 0)
    }

    func givenUp(by webhook: WebhookID, limit: Int) throws(StoreError) -> [WebhookRetry] {
        try select(
            """
            SELECT event, attempts, first, due, error FROM webhook_retry
            WHERE webhook = ? AND due IS NULL ORDER BY event DESC LIMIT ?
            """,
            [.id(webhook), .integer(Int64(limit))],
            { $0.retry() }
        )
    }

    func event(_ number: Int64) throws(StoreError) -> EventRecord? {
        let sql = "\(Self.eventSource) WHERE e.n = ?"
        return try select(composed: sql, [.integer(number)], Self.event).first
    }
}

extension Rows {
    func insert(_ webhook: WebhookRecord) throws(StoreError) {
        try database.change(
            """
            INSERT INTO webhook (id, url, events, application, secret, created, position)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            """,
            [
                .id(webhook.id), .text(webhook.url), .text(JSONText.array(webhook.types) ?? "[]"),
                .id(webhook.application), .octets(webhook.secret), .time(webhook.createdAt),
                .integer(webhook.position),
            ]
        )
    }

    func update(_ webhook: WebhookRecord) throws(StoreError) {
        let found = try database.change(
            """
            UPDATE webhook SET url = ?2, events = ?3, application = ?4, secret = ?5,
                old_secret = ?6, old_until = ?7, disabled = ?8
            WHERE id = ?1
            """,
            [
                .id(webhook.id), .text(webhook.url), .text(JSONText.array(webhook.types) ?? "[]"),
                .id(webhook.application), .octets(webhook.secret),
                webhook.oldSecret.map { .octets($0) } ?? .null, .time(webhook.oldSecretUntil),
                .text(orNull: webhook.disabled),
            ]
        )
        if found == 0 { throw .notFound }
    }

    func remove(_ webhook: WebhookID) throws(StoreError) {
        let found = try database.change("DELETE FROM webhook WHERE id = ?", [.id(webhook)])
        if found == 0 { throw .notFound }
        try database.change("DELETE FROM webhook_retry WHERE webhook = ?", [.id(webhook)])
    }

    /// Nothing for one that is gone.
    func note(_ progress: WebhookProgress, of webhook: WebhookID) throws(StoreError) {
        let found = try database.change(
            """
            UPDATE webhook SET position = max(position, ifnull(?2, position)),
                success = ifnull(?3, success), failure = ifnull(?4, failure),
                error = iif(?4 IS NULL, error, ?5)
            WHERE id = ?1
            """,
            [
                .id(webhook), progress.position.map { .integer($0) } ?? .null,
                .time(progress.succeededAt), .time(progress.failedAt),
                .text(orNull: progress.error),
            ]
        )
        guard found > 0 else { return }
        if progress.isBack {
            try database.change(
                "UPDATE webhook_retry SET due = min(due, ?) WHERE webhook = ? AND due IS NOT NULL",
                [.time(progress.succeededAt), .id(webhook)]
            )
        }
        for event in progress.done {
            try database.change(
                "DELETE FROM webhook_retry WHERE webhook = ? AND event = ?",
                [.id(webhook), .integer(event)]
            )
        }
        for retry in progress.retries {
            try database.change(
                """
                INSERT OR REPLACE INTO webhook_retry (webhook, event, attempts, first, due, error)
                VALUES (?, ?, ?, ?, ?, ?)
                """,
                [
                    .id(webhook), .integer(retry.event), .integer(Int64(retry.attempts)),
                    .time(retry.firstAt), .time(retry.due), .text(retry.error),
                ]
            )
        }
    }

    func disable(_ webhook: WebhookID, because reason: String, at now: Timestamp)
        throws(StoreError)
    {
        let found = try database.change(
            "UPDATE webhook SET disabled = ? WHERE id = ? AND disabled IS NULL",
            [.text(reason), .id(webhook)]
        )
        guard found > 0 else { return }
        try insertEvent(
            "webhook.disabled",
            at: now,
            message: nil,
            detail: JSONText.object([("webhook", webhook.description), ("reason", reason)])
        )
    }

    func redeliver(
        _ event: Int64?,
        to webhook: WebhookID,
        at now: Timestamp
    ) throws(StoreError) -> Int {
        guard let event else {
            return try database.change(
                """
                UPDATE webhook_retry SET due = ?, attempts = 0, first = ?
                WHERE webhook = ? AND due IS NULL
                """,
                [.time(now), .time(now), .id(webhook)]
            )
        }
        return try database.change(
            """
            INSERT OR REPLACE INTO webhook_retry (webhook, event, attempts, first, due, error)
            SELECT ?1, n, 0, ?3, ?3, '' FROM event WHERE n = ?2
            """,
            [.id(webhook), .integer(event), .time(now)]
        )
    }

    func sweepWebhooks() throws(StoreError) {
        try database.change(
            """
            DELETE FROM webhook_retry WHERE due IS NULL
                AND NOT EXISTS (SELECT 1 FROM event WHERE n = webhook_retry.event)
            """,
            []
        )
    }
}

extension Statement {
    fileprivate func retry() -> WebhookRetry {
        WebhookRetry(
            event: integer(0),
            attempts: int(1),
            firstAt: time(2),
            due: optionalTime(3),
            error: text(4)
        )
    }
}
