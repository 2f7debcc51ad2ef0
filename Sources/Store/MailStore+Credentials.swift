package import Mail

extension MailStore {
    /// By user name.
    package func credentials() async throws(StoreError) -> [CredentialRecord] {
        try await read { database throws(StoreError) in try database.credentials() }
    }

    /// `.conflict` when the user name is taken, `.notFound` when there is no such application.
    package func insert(_ credential: CredentialRecord) async throws(StoreError) {
        try await write { rows throws(StoreError) in try rows.insert(credential) }
    }

    /// `.notFound` when it is gone.
    package func remove(_ credential: CredentialID) async throws(StoreError) {
        try await write { rows throws(StoreError) in try rows.remove(credential) }
    }

    /// Credentials that are gone are passed over.
    package func noteUse(_ uses: [CredentialID: Timestamp]) async throws(StoreError) {
        try await write { rows throws(StoreError) in try rows.noteUse(uses) }
    }
}
