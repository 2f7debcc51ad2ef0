import Mail

struct StaleSource: Sendable {
    let row: Int64
    let lastSeen: Timestamp
}

extension Rows {
    func note(_ sighting: SourceSighting, of key: SourceSighting.Key) throws(StoreError) {
        try database.change(
            """
            INSERT INTO source (address, connector, application, first_seen, last_seen, helo,
                tls_version, tls_cipher, mechanism, quirks, messages, refusals)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
            ON CONFLICT (address, connector, application) DO UPDATE SET
                last_seen = max(last_seen, ?5), helo = ifnull(?6, helo),
                tls_version = ifnull(?7, tls_version), tls_cipher = ifnull(?8, tls_cipher),
                mechanism = ifnull(?9, mechanism), quirks = quirks | ?10,
                messages = messages + ?11, refusals = refusals + ?12
            """,
            [
                .address(key.address), .text(key.connector),
                .octets(key.application?.octets ?? []), .time(sighting.firstSeen),
                .time(sighting.lastSeen), .text(orNull: sighting.helo),
                .text(orNull: sighting.tlsVersion), .text(orNull: sighting.tlsCipher),
                .text(orNull: sighting.mechanism), .integer(Int64(sighting.quirks)),
                .integer(Int64(sighting.messages)), .integer(Int64(sighting.refusals)),
            ]
        )
    }

    func watch(_ ranges: Set<WatchedRange>, from now: Timestamp) throws(StoreError) {
        let known = try database.watchedRanges()
        for range in known where !ranges.contains(range) {
            try database.change(
                "DELETE FROM watched_range WHERE connector = ? AND lower = ? AND upper = ?",
                range.values
            )
        }
        for range in ranges.subtracting(known) {
            try database.change(
                "INSERT INTO watched_range (connector, lower, upper, since) VALUES (?, ?, ?, ?)",
                range.values + [.time(now)]
            )
        }
    }

    /// One that has come again meanwhile stays.
    func forget(_ sources: [StaleSource]) throws(StoreError) {
        for source in sources {
            try database.change(
                "DELETE FROM source WHERE n = ? AND last_seen = ?",
                [.integer(source.row), .time(source.lastSeen)]
            )
        }
    }
}

extension Database {
    func sources(_ query: SourceQuery) throws(StoreError) -> Page<SourceRecord> {
        var conditions = ["1"]
        var values: [SQLValue] = []
        func narrow(_ condition: String, _ more: SQLValue...) {
            conditions.append(condition)
            values += more
        }
        if let cursor = query.cursor { narrow("n < ?", .integer(cursor.row)) }
        if let range = query.addresses {
            narrow(
                "address BETWEEN ? AND ?",
                .address(range.lowerBound),
                .address(range.upperBound)
            )
            if range.lowerBound.family == .v6 {
                // They stand among the addresses of IPv6, and are none.
                narrow(
                    "address NOT BETWEEN ? AND ?",
                    .address(IPAddress(v4: 0)),
                    .address(IPAddress(v4: .max))
                )
            }
        }
        if let connector = query.connector { narrow("connector = ?", .text(connector)) }
        if let id = query.application { narrow("application = ?", .id(id)) }
        if !query.tlsVersions.isEmpty {
            let marks = query.tlsVersions.map { _ in "?" }.joined(separator: ", ")
            conditions.append("tls_version IN (\(marks))")
            values += query.tlsVersions.map { .text($0) }
        }
        let sql = """
            SELECT n, address, connector, application, first_seen, last_seen, helo, tls_version,
                tls_cipher, mechanism, quirks, messages, refusals
            FROM source WHERE \(conditions.joined(separator: " AND ")) ORDER BY n DESC LIMIT ?
            """
        values.append(.integer(Int64(query.limit + 1)))
        let records = try select(composed: sql, values) { row throws(StoreError) in
            try row.source()
        }
        let isMore = records.count > query.limit
        let page = Array(records.prefix(query.limit))
        return Page(records: page, next: isMore ? page.last.map { PageCursor(row: $0.row) } : nil)
    }

    func addressesOfApplications(most: Int) throws(StoreError) -> [IPAddress] {
        try select(
            """
            SELECT address FROM source WHERE application <> x''
            GROUP BY address ORDER BY max(last_seen) DESC LIMIT ?
            """,
            [.integer(Int64(most))]
        ) { row throws(StoreError) in row.address(0) }
    }

    func watchedRanges() throws(StoreError) -> Set<WatchedRange> {
        Set(
            try select("SELECT connector, lower, upper FROM watched_range") {
                row throws(StoreError) in try row.watchedRange()
            }
        )
    }

    func silentRanges(since moment: Timestamp) throws(StoreError) -> [WatchedRange] {
        try select(
            """
            SELECT connector, lower, upper FROM watched_range w
            WHERE since < ?1 AND NOT EXISTS (SELECT 1 FROM source s
                WHERE s.address BETWEEN w.lower AND w.upper AND s.connector = w.connector
                AND s.last_seen >= ?1)
            ORDER BY connector, lower, upper
            """,
            [.time(moment)]
        ) { row throws(StoreError) in try row.watchedRange() }
    }

    func sourcesToForget(before moment: Timestamp, most: Int) throws(StoreError) -> [StaleSource] {
        let read = { (row: Statement) in StaleSource(row: row.integer(0), lastSeen: row.time(1)) }
        let old = try select(
            "SELECT n, last_seen FROM source WHERE last_seen < ? LIMIT 5000",
            [.time(moment)],
            read
        )
        let count = Int(try integer("SELECT count(*) FROM source") ?? 0) - old.count
        guard count > most else { return old }
        return old
            + (try select(
                "SELECT n, last_seen FROM source WHERE last_seen >= ? ORDER BY last_seen LIMIT ?",
                [.time(moment), .integer(Int64(min(count - most, 5000)))],
                read
            ))
    }
}

extension SQLValue {
    /// Sixteen octets, IPv4 as the v4-mapped addresses of IPv6, so that ranges are ranges of rows.
    static func address(_ address: IPAddress) -> SQLValue {
        let mapped: UInt128 = address.family == .v4 ? 0xffff << 32 : 0
        let value = address.value | mapped
        return .octets((0..<16).map { UInt8(truncatingIfNeeded: value >> UInt128(120 - 8 * $0)) })
    }
}

extension WatchedRange {
    fileprivate var values: [SQLValue] {
        [.text(connector), .address(addresses.lowerBound), .address(addresses.upperBound)]
    }
}

extension Statement {
    fileprivate func address(_ column: Int32) -> IPAddress {
        IPAddress(v6: octets(column).reduce(0) { $0 << 8 | UInt128($1) })
    }

    fileprivate func watchedRange() throws(StoreError) -> WatchedRange {
        let (lower, upper) = (address(1), address(2))
        guard lower <= upper else {
            throw .damaged("a range of addresses that ends before it begins")
        }
        return WatchedRange(connector: text(0), addresses: lower...upper)
    }

    fileprivate func source() throws(StoreError) -> SourceRecord {
        var sighting = SourceSighting(at: time(4))
        sighting.lastSeen = time(5)
        sighting.helo = optionalText(6)
        sighting.tlsVersion = optionalText(7)
        sighting.tlsCipher = optionalText(8)
        sighting.mechanism = optionalText(9)
        sighting.quirks = int(10)
        sighting.messages = int(11)
        sighting.refusals = int(12)
        let isAnonymous = octets(3).isEmpty
        return SourceRecord(
            key: .init(
                address: address(1),
                connector: text(2),
                application: isAnonymous ? nil : try identifier(3)
            ),
            sighting: sighting,
            row: integer(0)
        )
    }
}
