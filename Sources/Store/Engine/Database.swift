import CSQLite

/// One connection to the database file. It belongs to one thread at a time.
final class Database {
    enum Role: Equatable { case writer, reader }

    let handle: OpaquePointer
    /// Pages in the write-ahead log after the last commit of this connection.
    private(set) var logPages = 0
    /// A statement lives as long as the connection, found by where its text lies in the program.
    private var statements: [UnsafePointer<UInt8>: Statement] = [:]
    /// The same for texts that were put together, of which there are only so many shapes.
    private var composed: [String: Statement] = [:]

    private static let configured: Void = {
        _ = postern_sqlite_without_statistics()
    }()

    init(path: String, role: Role) throws(StoreError) {
        Self.configured
        // One holder at a time, so SQLite needs no mutex of its own.
        var flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE
        flags |= role == .writer ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY
        var handle: OpaquePointer?
        let gathers = role == .writer && GatheringFileSystem.isRegistered
        let code = sqlite3_open_v2(path, &handle, flags, gathers ? GatheringFileSystem.name : nil)
        guard code == SQLITE_OK, let handle else {
            let error = StoreError(code: code, of: handle)
            sqlite3_close_v2(handle)
            throw error
        }
        self.handle = handle
        sqlite3_extended_result_codes(handle, 1)
        sqlite3_busy_timeout(handle, 5000)
    }

    deinit {
        for statement in statements.values { sqlite3_finalize(statement.handle) }
        for statement in composed.values { sqlite3_finalize(statement.handle) }
        sqlite3_close_v2(handle)
    }

    /// The statement for a text of the program, compiled at its first use. Reset it after use.
    func prepare(_ sql: StaticString) throws(StoreError) -> Statement {
        if let known = statements[sql.utf8Start] { return known }
        let statement = try compile(sql.description)
        statements[sql.utf8Start] = statement
        return statement
    }

    func prepare(composed sql: String) throws(StoreError) -> Statement {
        if let known = composed[sql] { return known }
        if composed.count >= 200 { forgetIdle() }
        let statement = try compile(sql)
        composed[sql] = statement
        return statement
    }

    private func forgetIdle() {
        composed = composed.filter { _, statement in
            let isBusy = sqlite3_stmt_busy(statement.handle) != 0
            if !isBusy { sqlite3_finalize(statement.handle) }
            return isBusy
        }
    }

    private func compile(_ sql: String) throws(StoreError) -> Statement {
        var statement: OpaquePointer?
        let flags = UInt32(SQLITE_PREPARE_PERSISTENT)
        let code = sqlite3_prepare_v3(handle, sql, -1, flags, &statement, nil)
        guard code == SQLITE_OK, let statement else { throw StoreError(code: code, of: handle) }
        return Statement(handle: statement)
    }

    /// Runs statements whose answers do not matter.
    func execute(_ sql: String) throws(StoreError) {
        let code = sqlite3_exec(handle, sql, nil, nil, nil)
        guard code == SQLITE_OK else { throw StoreError(code: code, of: handle) }
    }

    /// The first column of the first row.
    func integer(_ sql: String) throws(StoreError) -> Int64? {
        let statement = try prepare(composed: sql)
        defer { statement.reset() }
        guard try statement.step() else { return nil }
        return statement.integer(0)
    }

    var isInTransaction: Bool { sqlite3_get_autocommit(handle) == 0 }
    /// How many rows this connection has changed since it was opened.
    var totalChanges: Int64 { sqlite3_total_changes64(handle) }
    /// How many rows the last statement changed.
    var changes: Int { Int(sqlite3_changes(handle)) }
    /// The last failure was the disk's, not the statement's.
    var hasFailedDisk: Bool { sqlite3_errcode(handle) & 0xff == SQLITE_IOERR }

    var lastMessage: String { String(cString: sqlite3_errmsg(handle)) }

    /// Takes over from SQLite's automatic checkpoints, which no longer run.
    func watchLog() {
        let me = Unmanaged.passUnretained(self).toOpaque()
        sqlite3_wal_hook(
            handle,
            { context, _, _, pages in
                guard let context else { return SQLITE_OK }
                Unmanaged<Database>.fromOpaque(context).takeUnretainedValue().logPages = Int(pages)
                return SQLITE_OK
            },
            me
        )
    }

    /// Moves what the log holds into the database; answers how many pages could not be moved yet.
    func checkpoint(_ mode: Int32) throws(StoreError) -> Int {
        var (all, moved): (Int32, Int32) = (0, 0)
        let code = sqlite3_wal_checkpoint_v2(handle, nil, mode, &all, &moved)
        guard code == SQLITE_OK || code & 0xff == SQLITE_BUSY else {
            throw StoreError(code: code, of: handle)
        }
        return code == SQLITE_OK ? Int(all - moved) : Int(max(all - moved, 1))
    }
}

extension StoreError {
    init(code: Int32, of handle: OpaquePointer?) {
        let text = handle.map { String(cString: sqlite3_errmsg($0)) } ?? "out of memory"
        switch code & 0xff {
        case SQLITE_FULL: self = .full
        case SQLITE_CONSTRAINT: self = .conflict(text)
        case SQLITE_CORRUPT, SQLITE_NOTADB: self = .damaged(text)
        case SQLITE_INTERRUPT: self = .unavailable("the search took too long")
        default: self = .unavailable("\(text) (SQLite \(code))")
        }
    }
}
