package import Mail

extension MailStore {
    /// Nil for an unknown id, and for a message of another application than the one given.
    package func message(_ id: MessageID, application: ApplicationID? = nil)
        async throws(StoreError) -> MessageRecord?
    {
        try await read(.lookup) { database throws(StoreError) in
            try database.message(id, of: application)
        }
    }

    /// Newest first. A search that would take too long throws `.unavailable`.
    package func messages(_ query: MessageQuery) async throws(StoreError) -> Page<MessageRecord> {
        try await read { database throws(StoreError) in try database.messages(query) }
    }

    /// Of one message, oldest first.
    package func events(of id: MessageID) async throws(StoreError) -> [EventRecord] {
        try await read(.lookup) { database throws(StoreError) in try database.events(of: id) }
    }

    /// Every recipient that waits (of one application), for its time or for an operator, counted.
    package func queueSummary(application: ApplicationID? = nil)
        async throws(StoreError) -> [QueueLine]
    {
        try await read { database throws(StoreError) in
            try database.queueSummary(of: application)
        }
    }
}
