/// The rows that the gateway wrote for one message, to be written again by SQLite alone: the same
/// tables and indexes, the same values but for the numbers that must grow.
struct MessageRows {
    /// What makes the tables and their indexes.
    private let schema: [String]
    private let pageSize: Int64
    private let tables: [TableRows]

    /// The rows of one table.
    private struct TableRows {
        let name: String
        let columns: [String]
        let rows: [[SQLiteValue]]
    }

    /// Reads the newest message, while the gateway may be at work.
    init(of path: String) throws(Invalid) {
        let database = try SQLiteDatabase(path, isReadOnly: true)
        schema = try database.query(
            "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type DESC, rootpage"
        ).rows.compactMap(\.first?.text)
        pageSize = try database.query("PRAGMA page_size").rows.first?.first?.integer ?? 4096
        let newest = try database.query("SELECT max(n) FROM message").rows.first?.first?.integer
        guard let newest else { throw Invalid("the gateway kept no message") }
        let places = [
            ("message", "n"), ("recipient", "message"), ("body", "n"), ("event", "message"),
        ]
        var tables: [TableRows] = []
        for (name, key) in places {
            let found = try database.query("SELECT * FROM \(name) WHERE \(key) = \(newest)")
            guard !found.rows.isEmpty else { throw Invalid("the message has no rows in \(name)") }
            tables.append(TableRows(name: name, columns: found.columns, rows: found.rows))
        }
        self.tables = tables
    }

    /// Messages a second in transactions of so many, each synced; latencies are the transactions'.
    func commit(groupsOf size: Int, _ bench: Bench) throws(Invalid) -> LoadResult {
        let directory = try bench.workplace.make("sqlite")
        defer { Workplace.remove(directory) }
        let database = try makeDatabase("\(directory)/rows.sqlite3")
        var inserts: [(table: TableRows, statement: SQLiteStatement)] = []
        for table in tables {
            let places = table.columns.map { _ in "?" }.joined(separator: ", ")
            let sql = "INSERT INTO \(table.name) VALUES (\(places))"
            inserts.append((table, try database.prepare(sql)))
        }
        let begin = try database.prepare("BEGIN IMMEDIATE")
        let commit = try database.prepare("COMMIT")

        var latencies = Latencies()
        var numbers = RowNumbers()
        let extent = bench.extent
        let first = Clock.now
        while extent.takeOne() {
            let start = Clock.now
            try begin.run()
            for _ in 0..<size {
                numbers.message += 1
                for (table, statement) in inserts {
                    for row in table.rows {
                        numbers.event += table.name == "event" ? 1 : 0
                        statement.bind(numbers.renumbered(row, of: table.name, table.columns))
                        try statement.run()
                    }
                }
            }
            try commit.run()
            latencies.note(since: start)
        }
        let commits = LoadResult(latencies, seconds: Clock.seconds(since: first))
        return commits.counting(size)
    }

    /// Set up as the gateway's own: `DatabaseLocation` and `Checkpointer` in Sources/Store.
    private func makeDatabase(_ path: String) throws(Invalid) -> SQLiteDatabase {
        let database = try SQLiteDatabase(path, isReadOnly: false)
        for setting in [
            "page_size = \(pageSize)", "journal_mode = WAL", "synchronous = FULL",
            "wal_autocheckpoint = 800", "secure_delete = FAST", "cache_size = -32768",
            "temp_store = MEMORY",
        ] {
            _ = try database.query("PRAGMA \(setting)")
        }
        for statement in schema { _ = try database.query(statement) }
        return database
    }
}

/// What must differ from message to message.
private struct RowNumbers {
    var message: Int64 = 0
    var event: Int64 = 0

    func renumbered(
        _ row: [SQLiteValue],
        of table: String,
        _ columns: [String]
    ) -> [SQLiteValue] {
        zip(columns, row).map { column, value in
            switch (table, column) {
            case ("event", "n"): .integer(event)
            case (_, "n"), (_, "message"): .integer(message)
            case ("message", "id"): .blob(identifier)
            default: value
            }
        }
    }

    /// Grows with time, as UUIDv7 does (RFC 9562 §5.7).
    private var identifier: [UInt8] {
        (0..<16).map { place in
            place < 8 ? UInt8(truncatingIfNeeded: message >> (56 - 8 * place)) : 0
        }
    }
}
