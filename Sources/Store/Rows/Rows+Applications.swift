import Mail

extension Database {
    func applications() throws(StoreError) -> [ApplicationRecord] {
        let sql: StaticString = """
            SELECT id, name, relays, senders, recipients, scopes, rate, ip_ranges, default_from,
                default_to, created, certificates, uncertain, deliver_within,
                escalate_route, escalate_to FROM application ORDER BY name
            """
        return try select(sql) { row throws(StoreError) in
            ApplicationRecord(
                id: try row.identifier(0),
                name: row.text(1),
                relaysExternally: row.int(2) != 0,
                senders: try strings(in: row.optionalText(3)),
                recipients: try strings(in: row.optionalText(4)),
                scopes: try strings(in: row.optionalText(5)),
                rate: row.optionalInt(6),
                ipRanges: try strings(in: row.optionalText(7)),
                defaultFrom: row.optionalText(8),
                defaultTo: try strings(in: row.optionalText(9)),
                certificates: try strings(in: row.optionalText(11)),
                uncertain: row.optionalText(12),
                deliverWithin: row.optionalInt(13).map { .milliseconds($0) },
                escalateRoute: row.optionalText(14),
                escalateTo: row.optionalText(15),
                createdAt: row.time(10)
            )
        }
    }

    func keys() throws(StoreError) -> [KeyRecord] {
        let sql: StaticString = """
            SELECT id, kind, application, secret_hash, name, created, expires, revoked, used
            FROM api_key ORDER BY created, id
            """
        return try select(sql) { row throws(StoreError) in
            guard let kind = KeyRecord.Kind(rawValue: row.text(1)) else {
                throw .damaged("a key of the unknown kind \(row.text(1))")
            }
            return KeyRecord(
                id: row.text(0),
                kind: kind,
                application: try row.optionalIdentifier(2),
                secretHash: row.octets(3),
                name: row.optionalText(4),
                createdAt: row.time(5),
                expiresAt: row.optionalTime(6),
                revokedAt: row.optionalTime(7),
                lastUsedAt: row.optionalTime(8)
            )
        }
    }
}

extension Rows {
    func insert(_ application: ApplicationRecord) throws(StoreError) {
        try database.change(
            """
            INSERT INTO application (id, name, relays, senders, recipients, scopes, rate, ip_ranges,
                default_from, default_to, created, certificates, uncertain, deliver_within, escalate_route,
                escalate_to)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            application.values
        )
    }

    func update(_ application: ApplicationRecord) throws(StoreError) {
        let found = try database.change(
            """
            UPDATE application SET name = ?2, relays = ?3, senders = ?4, recipients = ?5,
                scopes = ?6, rate = ?7, ip_ranges = ?8, default_from = ?9, default_to = ?10,
                created = ?11, certificates = ?12, uncertain = ?13,
                deliver_within = ?14, escalate_route = ?15, escalate_to = ?16
            WHERE id = ?1
            """,
            application.values
        )
        if found == 0 { throw .notFound }
    }

    func remove(_ application: ApplicationID) throws(StoreError) {
        let id = SQLValue.id(application)
        let found = try database.change("DELETE FROM application WHERE id = ?", [id])
        if found == 0 { throw .notFound }
        try database.change("DELETE FROM api_key WHERE application = ?", [id])
        try database.change("DELETE FROM credential WHERE application = ?", [id])
    }

    func insert(_ key: KeyRecord) throws(StoreError) {
        try database.change(
            """
            INSERT INTO api_key (id, kind, application, secret_hash, name, created, expires,
                revoked, used)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                .text(key.id), .text(key.kind.rawValue), .id(key.application),
                .octets(key.secretHash), .text(orNull: key.name), .time(key.createdAt),
                .time(key.expiresAt), .time(key.revokedAt), .time(key.lastUsedAt),
            ]
        )
    }

    func updateKey(_ id: String, expiresAt: Timestamp?) throws(StoreError) {
        try changeKey(
            "UPDATE api_key SET expires = ? WHERE id = ?",
            [.time(expiresAt), .text(id)]
        )
    }

    /// The first revocation counts.
    func revoke(_ id: String, at now: Timestamp) throws(StoreError) {
        try changeKey(
            "UPDATE api_key SET revoked = ifnull(revoked, ?) WHERE id = ?",
            [.time(now), .text(id)]
        )
    }

    func removeKey(_ id: String) throws(StoreError) {
        try changeKey("DELETE FROM api_key WHERE id = ?", [.text(id)])
    }

    /// Keys that are gone are passed over.
    func noteUse(_ uses: [(keyID: String, at: Timestamp)]) throws(StoreError) {
        for use in uses {
            try database.change(
                "UPDATE api_key SET used = ?1 WHERE id = ?2 AND ifnull(used, 0) < ?1",
                [.time(use.at), .text(use.keyID)]
            )
        }
    }

    private func changeKey(_ sql: StaticString, _ values: [SQLValue]) throws(StoreError) {
        if try database.change(sql, values) == 0 { throw .notFound }
    }
}

extension ApplicationRecord {
    fileprivate var values: [SQLValue] {
        [
            .id(id), .text(name), .integer(relaysExternally ? 1 : 0),
            .text(orNull: JSONText.array(senders)), .text(orNull: JSONText.array(recipients)),
            .text(orNull: JSONText.array(scopes)),
            rate.map { .integer(Int64($0)) } ?? .null,
            .text(orNull: JSONText.array(ipRanges)), .text(orNull: defaultFrom),
            .text(orNull: JSONText.array(defaultTo)), .time(createdAt),
            .text(orNull: JSONText.array(certificates)), .text(orNull: uncertain),
            deliverWithin.map { .integer($0.wholeMilliseconds) } ?? .null,
            .text(orNull: escalateRoute), .text(orNull: escalateTo),
        ]
    }
}
