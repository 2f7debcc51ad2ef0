import Mail

/// The tables as a transaction sees them, and the numbers that the next rows get. Only the writer's
/// thread touches it.
final class Rows {
    let database: Database
    let settings: StoreSettings
    /// Numbers that a rolled back transaction took stay unused.
    var nextMessage: Int64
    var nextEvent: Int64
    var nextSpool: Int64
    /// Spools from here on were begun by this process.
    let firstSpool: Int64
    /// Messages with an unfinished recipient, as of the last commit.
    private(set) var unfinished: Int
    /// What this transaction adds to `unfinished`.
    var unfinishedChange = 0
    private var gauge: DiskGauge

    init(_ database: Database, directory: String, settings: StoreSettings) throws(StoreError) {
        self.database = database
        self.settings = settings
        let last = "SELECT max(ifnull((SELECT max(n) FROM %), 0),"
            + " ifnull((SELECT value FROM mark WHERE name = '%'), 0))"
        let next = { (table: String) throws(StoreError) in
            let sql = last.split(separator: "%", omittingEmptySubsequences: false)
            return (try database.integer(sql.joined(separator: table)) ?? 0) + 1
        }
        nextMessage = try next("message")
        nextEvent = try next("event")
        firstSpool = (try database.integer("SELECT max(id) FROM spool") ?? 0) + 1
        nextSpool = firstSpool
        unfinished = Int(try database.integer(Self.countOfUnfinished) ?? 0)
        gauge = DiskGauge(directory: directory, floor: settings.storeFloor)
    }

    private static let countOfUnfinished =
        "SELECT count(DISTINCT message) FROM recipient INDEXED BY recipient_due WHERE due IS NOT NULL"

    func didCommit() {
        unfinished += unfinishedChange
        unfinishedChange = 0
    }

    func didRollBack() { unfinishedChange = 0 }

    /// Refuses new mail while there is too little room for it.
    func checkRoom(for messages: Int) throws(StoreError) {
        guard !gauge.isBelowFloor(),
            unfinished + unfinishedChange + messages <= settings.queuedMessages
        else { throw .full }
    }

    /// Remembers the highest numbers before rows are removed: none is given twice.
    func markNumbers() throws(StoreError) {
        let insert = try database.prepare("INSERT OR REPLACE INTO mark (name, value) VALUES (?, ?)")
        for (name, value) in [("message", nextMessage - 1), ("event", nextEvent - 1)] {
            insert.bind(1, name)
            insert.bind(2, value)
            try insert.run()
        }
    }
}
