import Mail

extension Database {
    func credentials() throws(StoreError) -> [CredentialRecord] {
        let sql: StaticString = """
            SELECT id, application, username, verifier, sealed, created, used
            FROM credential ORDER BY username
            """
        return try select(sql) { row throws(StoreError) in
            CredentialRecord(
                id: try row.identifier(0),
                application: try row.identifier(1),
                username: row.text(2),
                verifier: row.text(3),
                sealedSecret: row.isNull(4) ? nil : row.octets(4),
                createdAt: row.time(5),
                lastUsedAt: row.optionalTime(6)
            )
        }
    }
}

extension Rows {
    func insert(_ credential: CredentialRecord) throws(StoreError) {
        // Its application may have been removed while the password was hashed.
        let made = try database.change(
            """
            INSERT INTO credential (id, application, username, verifier, sealed, created, used)
            SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7
            WHERE EXISTS (SELECT 1 FROM application WHERE id = ?2)
            """,
            [
                .id(credential.id), .id(credential.application), .text(credential.username),
                .text(credential.verifier),
                credential.sealedSecret.map { .octets($0) } ?? .null,
                .time(credential.createdAt), .time(credential.lastUsedAt),
            ]
        )
        if made == 0 { throw .notFound }
    }

    func remove(_ credential: CredentialID) throws(StoreError) {
        let found = try database.change("DELETE FROM credential WHERE id = ?", [.id(credential)])
        if found == 0 { throw .notFound }
    }

    /// Credentials that are gone are passed over.
    func noteUse(_ uses: [CredentialID: Timestamp]) throws(StoreError) {
        for (id, moment) in uses {
            try database.change(
                "UPDATE credential SET used = ?1 WHERE id = ?2 AND ifnull(used, 0) < ?1",
                [.time(moment), .id(id)]
            )
        }
    }
}
