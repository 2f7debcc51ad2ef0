import CSQLite

/// Keeps the write-ahead log short, in small steps and on the writer's own thread.
struct Checkpointer {
    /// The length of the log at which to try next.
    private var next = Self.step

    // In pages of 4 KB: about 6 MB, and 64 MB. Half the step cost a tenth of the messages, as all wait
    // for a checkpoint; three times as much only made the slowest commits slower still.
    private static let step = 1600
    private static let bound = 16000

    mutating func afterCommit(_ database: Database) throws(StoreError) {
        guard database.logPages >= next else {
            // The log was begun anew.
            if database.logPages < Self.step { next = Self.step }
            return
        }
        var left = try database.checkpoint(SQLITE_CHECKPOINT_PASSIVE)
        if left > 0, database.logPages >= Self.bound {
            // Readers are short; waiting for them a moment ends a log that would grow for ever.
            sqlite3_busy_timeout(database.handle, 100)
            left = try database.checkpoint(SQLITE_CHECKPOINT_RESTART)
            sqlite3_busy_timeout(database.handle, 5000)
        }
        // A reader still needs the log's beginning: let it grow a little before the next try.
        next = left == 0 ? Self.step : database.logPages + Self.step
    }
}
