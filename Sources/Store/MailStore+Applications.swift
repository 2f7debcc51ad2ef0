package import Mail

extension MailStore {
    /// By name.
    package func applications() async throws(StoreError) -> [ApplicationRecord] {
        try await read { database throws(StoreError) in try database.applications() }
    }

    /// `.conflict` when the name or the id is taken.
    package func insert(_ application: ApplicationRecord) async throws(StoreError) {
        try await write { rows throws(StoreError) in try rows.insert(application) }
    }

    /// `.notFound` when it is gone, `.conflict` when the new name is taken.
    package func update(_ application: ApplicationRecord) async throws(StoreError) {
        try await write { rows throws(StoreError) in try rows.update(application) }
    }

    /// With its keys and credentials; its messages stay.
    package func remove(_ application: ApplicationID) async throws(StoreError) {
        try await write { rows throws(StoreError) in try rows.remove(application) }
    }

    /// The oldest first, revoked ones among them.
    package func keys() async throws(StoreError) -> [KeyRecord] {
        try await read { database throws(StoreError) in try database.keys() }
    }

    package func insert(_ key: KeyRecord) async throws(StoreError) {
        try await write { rows throws(StoreError) in try rows.insert(key) }
    }

    package func updateKey(_ id: String, expiresAt: Timestamp?) async throws(StoreError) {
        try await write { rows throws(StoreError) in try rows.updateKey(id, expiresAt: expiresAt) }
    }

    package func revoke(_ id: String, at now: Timestamp) async throws(StoreError) {
        try await write { rows throws(StoreError) in try rows.revoke(id, at: now) }
    }

    package func removeKey(_ id: String) async throws(StoreError) {
        try await write { rows throws(StoreError) in try rows.removeKey(id) }
    }

    /// Keys that are gone are passed over.
    package func noteUse(_ uses: [(keyID: String, at: Timestamp)]) async throws(StoreError) {
        try await write { rows throws(StoreError) in try rows.noteUse(uses) }
    }
}
