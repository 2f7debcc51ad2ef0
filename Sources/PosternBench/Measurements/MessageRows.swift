/// The rows that the gateway wrote for one message, to be written again by SQLite alone: the same
/// tables and indexes, the same values but for the numbers that must grow.
struct MessageRows {
    /// What makes the tables and their indexes.
    fileprivate let schema: [String]
    fileprivate let pageSize: Int64
    fileprivate let tables: [TableRows]

    /// The rows of one table.
    fileprivate struct TableRows {
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
}

/// A database of SQLite's own that takes such rows. It grows from run to run as the gateway's does:
/// an empty one has shallow trees, and the pages of its file lie in the cache from the run before.
final class RowKeeper {
    private let directory: String
    private let database: SQLiteDatabase
    private let inserts: [(table: MessageRows.TableRows, statement: SQLiteStatement)]
    private var numbers = RowNumbers()

    init(_ rows: MessageRows, in workplace: Workplace) throws(Invalid) {
        directory = try workplace.make("sqlite")
        database = try Self.makeDatabase("\(directory)/rows.sqlite3", rows)
        var inserts: [(table: MessageRows.TableRows, statement: SQLiteStatement)] = []
        for table in rows.tables {
            let places = table.columns.map { _ in "?" }.joined(separator: ", ")
            let sql = "INSERT INTO \(table.name) VALUES (\(places))"
            inserts.append((table, try database.prepare(sql)))
        }
        self.inserts = inserts
    }

    deinit { Workplace.remove(directory) }

    /// Messages a second in transactions of so many, each synced; latencies are the transactions'.
    func commit(groupsOf size: Int, _ extent: Extent) throws(Invalid) -> LoadResult {
        let begin = try database.prepare("BEGIN IMMEDIATE")
        let commit = try database.prepare("COMMIT")
        var latencies = Latencies()
        let first = Clock.now
        while extent.takeOne() {
            let start = Clock.now
            try begin.run()
            for _ in 0..<size { try insertMessage() }
            try commit.run()
            latencies.note(since: start)
        }
        let commits = LoadResult(latencies, seconds: Clock.seconds(since: first))
        return commits.counting(size)
    }

    private func insertMessage() throws(Invalid) {
        numbers.message += 1
        for (table, statement) in inserts {
            for row in table.rows {
                numbers.event += table.name == "event" ? 1 : 0
                statement.bind(numbers.renumbered(row, of: table.name, table.columns))
                try statement.run()
            }
        }
    }

    /// Set up as the gateway's own: `DatabaseLocation` and `Checkpointer` in Sources/Store.
    private static func makeDatabase(
        _ path: String,
        _ rows: MessageRows
    ) throws(Invalid) -> SQLiteDatabase {
        let database = try SQLiteDatabase(path, isReadOnly: false)
        for setting in [
            "page_size = \(rows.pageSize)", "journal_mode = WAL", "synchronous = FULL",
            "wal_autocheckpoint = 800", "secure_delete = FAST", "cache_size = -32768",
            "temp_store = MEMORY",
        ] {
            _ = try database.query("PRAGMA \(setting)")
        }
        for statement in rows.schema { _ = try database.query(statement) }
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
