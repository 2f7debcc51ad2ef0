package import Mail

extension MailStore {
    /// The oldest first.
    package func webhooks() async throws(StoreError) -> [WebhookRecord] {
        try await read { database throws(StoreError) in try database.webhooks() }
    }

    package func insert(_ webhook: WebhookRecord) async throws(StoreError) {
        try await write { rows throws(StoreError) in try rows.insert(webhook) }
    }

    /// All but how far it has come; `.notFound` when it is gone.
    package func update(_ webhook: WebhookRecord) async throws(StoreError) {
        try await write { rows throws(StoreError) in try rows.update(webhook) }
    }

    /// With what it has still to be told.
    package func remove(_ webhook: WebhookID) async throws(StoreError) {
        try await write { rows throws(StoreError) in try rows.remove(webhook) }
    }

    package func note(_ progress: WebhookProgress, of webhook: WebhookID)
        async throws(StoreError)
    {
        try await write { rows throws(StoreError) in try rows.note(progress, of: webhook) }
    }

    /// Sends nothing there until an administrator says otherwise; told as `webhook.disabled`.
    package func disable(_ webhook: WebhookID, because reason: String, at now: Timestamp)
        async throws(StoreError)
    {
        try await write { rows throws(StoreError) in
            try rows.disable(webhook, because: reason, at: now)
        }
    }

    /// What must be told again, the most urgent first, and when the next one must.
    package func retries(of webhook: WebhookID, dueBy now: Timestamp, limit: Int)
        async throws(StoreError) -> (due: [WebhookRetry], next: Timestamp?, waiting: Int)
    {
        try await read(.lookup) { database throws(StoreError) in
            try database.retries(of: webhook, dueBy: now, limit: limit)
        }
    }

    /// Those that were given up, the newest first.
    package func givenUp(by webhook: WebhookID, limit: Int)
        async throws(StoreError) -> [WebhookRetry]
    {
        try await read { database throws(StoreError) in
            try database.givenUp(by: webhook, limit: limit)
        }
    }

    /// Tells them now; those given up with `event` nil. Answers how many.
    package func redeliver(_ event: Int64?, to webhook: WebhookID, at now: Timestamp)
        async throws(StoreError) -> Int
    {
        try await write { rows throws(StoreError) in
            try rows.redeliver(event, to: webhook, at: now)
        }
    }

    package func event(_ number: Int64) async throws(StoreError) -> EventRecord? {
        try await read(.lookup) { database throws(StoreError) in try database.event(number) }
    }

    /// Forgets what was given up about events that are gone.
    package func sweepWebhooks() async throws(StoreError) {
        try await write { rows throws(StoreError) in try rows.sweepWebhooks() }
    }
}
