import Mail
import Synchronization

/// The tables as a transaction sees them. Only the writer's
/// thread touches it.
final class Rows {
    let database: Database
    private let limits: Limits
    /// Numbers that a rolled back transaction took stay unused.
    var next: NextNumbers
    /// Spools from here on were begun by this process.
    let firstSpool: Int64
    let tally: Tally
    /// Messages with an unfinished recipient, as of the last commit.
    private(set) var unfinished: Int
    /// What this transaction adds to `unfinished`.
    var unfinishedChange = 0

    init(_ database: Database, limits: Limits, tally: Tally) throws(StoreError) {
        self.database = database
        self.limits = limits
        self.tally = tally
        next = try NextNumbers(database)
        firstSpool = next.spool
        unfinished = Int(try database.integer(Self.countOfUnfinished) ?? 0)
        tally.unfinished.store(unfinished, ordering: .relaxed)
        tally.newestEvent.store(next.event - 1, ordering: .releasing)
    }

    private static let countOfUnfinished =
        "SELECT count(DISTINCT message) FROM recipient INDEXED BY recipient_due WHERE due IS NOT NULL"

    func didCommit() {
        unfinished += unfinishedChange
        unfinishedChange = 0
        tally.unfinished.store(unfinished, ordering: .relaxed)
        tally.newestEvent.store(next.event - 1, ordering: .releasing)
        tally.commits.add(1, ordering: .relaxed)
    }

    func didRollBack() { unfinishedChange = 0 }

    /// Refuses new mail while there is too little room for it.
    func checkRoom(for messages: Int) throws(StoreError) {
        guard limits.hasRoom(for: messages, beside: unfinished + unfinishedChange) else {
            throw .full
        }
    }

    /// Remembers the highest numbers before rows are removed: none is given twice.
    func markNumbers() throws(StoreError) {
        for (name, value) in [("message", next.message - 1), ("event", next.event - 1)] {
            try database.change(
                "INSERT OR REPLACE INTO mark (name, value) VALUES (?, ?)",
                [.text(name), .integer(value)]
            )
        }
    }
}

/// What other threads may read of the writer's work; told before the callers are.
final class Tally: Sendable {
    /// Messages with an unfinished recipient.
    let unfinished = Atomic<Int>(0)
    /// The number of the last event.
    let newestEvent = Atomic<Int64>(0)
    /// Transactions since the store was opened.
    let commits = Atomic<Int>(0)
}

/// The numbers that the next rows get.
struct NextNumbers {
    var message: Int64
    var event: Int64
    var spool: Int64

    init(_ database: Database) throws(StoreError) {
        message = try Self.after("message", in: database)
        event = try Self.after("event", in: database)
        spool = (try database.integer("SELECT max(id) FROM spool") ?? 0) + 1
    }

    private static func after(
        _ table: String,
        in database: Database
    ) throws(StoreError) -> Int64 {
        let last = try database.integer("SELECT max(n) FROM \(table)") ?? 0
        let mark = try database.integer("SELECT value FROM mark WHERE name = '\(table)'") ?? 0
        return max(last, mark) + 1
    }

    /// No number that either would give is below.
    mutating func raise(to other: NextNumbers) {
        message = max(message, other.message)
        event = max(event, other.event)
        spool = max(spool, other.spool)
    }
}
