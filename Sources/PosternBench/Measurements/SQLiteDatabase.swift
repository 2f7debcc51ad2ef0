import CSQLite

enum SQLiteValue {
    case null
    case integer(Int64)
    case text(String)
    case blob([UInt8])

    var integer: Int64? { if case .integer(let value) = self { value } else { nil } }
    var text: String? { if case .text(let value) = self { value } else { nil } }
}

/// The least of SQLite that the raw measurement needs.
final class SQLiteDatabase {
    fileprivate let handle: OpaquePointer

    init(_ path: String, isReadOnly: Bool) throws(Invalid) {
        var handle: OpaquePointer?
        let mode = isReadOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
        guard sqlite3_open_v2(path, &handle, mode | SQLITE_OPEN_NOMUTEX, nil) == SQLITE_OK,
            let handle
        else {
            sqlite3_close_v2(handle)
            throw Invalid("\(path) cannot be opened")
        }
        self.handle = handle
        sqlite3_busy_timeout(handle, 5000)
    }

    deinit { sqlite3_close_v2(handle) }

    func prepare(_ sql: String) throws(Invalid) -> SQLiteStatement {
        var statement: OpaquePointer?
        guard sqlite3_prepare_v2(handle, sql, -1, &statement, nil) == SQLITE_OK, let statement
        else { throw Invalid("\(sql): \(String(cString: sqlite3_errmsg(handle)))") }
        return SQLiteStatement(statement, of: self)
    }

    func query(_ sql: String) throws(Invalid) -> (columns: [String], rows: [[SQLiteValue]]) {
        let statement = try prepare(sql)
        var rows: [[SQLiteValue]] = []
        while try statement.step() { rows.append(statement.values) }
        return (statement.columns, rows)
    }
}

final class SQLiteStatement {
    private let handle: OpaquePointer
    private let database: SQLiteDatabase

    fileprivate init(_ handle: OpaquePointer, of database: SQLiteDatabase) {
        self.handle = handle
        self.database = database
    }

    deinit { sqlite3_finalize(handle) }

    /// True when there is a row.
    func step() throws(Invalid) -> Bool {
        switch sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        default: throw Invalid("SQLite: \(String(cString: sqlite3_errmsg(database.handle)))")
        }
    }

    func run() throws(Invalid) {
        while try step() {}
        sqlite3_reset(handle)
    }

    func bind(_ values: [SQLiteValue]) {
        for (place, value) in values.enumerated() { bind(Int32(place + 1), value) }
    }

    private func bind(_ place: Int32, _ value: SQLiteValue) {
        switch value {
        case .null: sqlite3_bind_null(handle, place)
        case .integer(let number): sqlite3_bind_int64(handle, place, number)
        case .text(let text):
            sqlite3_bind_text(handle, place, text, Int32(text.utf8.count), Self.copied)
        case .blob(let octets):
            sqlite3_bind_blob(handle, place, octets, Int32(octets.count), Self.copied)
        }
    }

    /// SQLITE_TRANSIENT, a cast that Swift does not import.
    private static let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

    var columns: [String] {
        (0..<sqlite3_column_count(handle)).map { String(cString: sqlite3_column_name(handle, $0)) }
    }

    var values: [SQLiteValue] {
        (0..<sqlite3_column_count(handle)).map { column in
            switch sqlite3_column_type(handle, column) {
            case SQLITE_INTEGER: return .integer(sqlite3_column_int64(handle, column))
            case SQLITE_NULL: return .null
            case SQLITE_BLOB: return .blob(octets(column, sqlite3_column_blob(handle, column)))
            default:
                let bytes = octets(column, sqlite3_column_text(handle, column))
                return .text(String(decoding: bytes, as: UTF8.self))
            }
        }
    }

    private func octets(_ column: Int32, _ start: UnsafeRawPointer?) -> [UInt8] {
        let count = Int(sqlite3_column_bytes(handle, column))
        return [UInt8](UnsafeRawBufferPointer(start: start, count: count))
    }
}
