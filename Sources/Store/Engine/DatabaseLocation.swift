/// Where the database is, and how its connections are set up.
struct DatabaseLocation: Sendable {
    let directory: String
    let path: String
    let maximumPages: Int?

    func openForWriting() throws(StoreError) -> Database {
        let database = try Database(path: path, role: .writer)
        // The size of pages counts only before the first table. Twice as large, a mail of 4 KB left
        // half of its page empty, and every commit wrote and summed twice as much.
        try database.execute("PRAGMA page_size = 4096")
        try database.execute("PRAGMA journal_mode = WAL")
        try database.execute(
            """
            PRAGMA synchronous = FULL;
            PRAGMA wal_autocheckpoint = 0;
            PRAGMA secure_delete = FAST;
            PRAGMA cache_size = -32768;
            PRAGMA temp_store = MEMORY;
            PRAGMA foreign_keys = OFF;
            """
        )
        if let maximumPages { try database.execute("PRAGMA max_page_count = \(maximumPages)") }
        database.watchLog()
        return database
    }

    func openForReading() throws(StoreError) -> Database {
        let database = try Database(path: path, role: .reader)
        try database.execute("PRAGMA cache_size = -8192; PRAGMA temp_store = MEMORY;")
        return database
    }
}
