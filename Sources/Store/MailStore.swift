import Mail
import Synchronization

/// Everything that outlives the process. It keeps approved messages and nothing else, and what it
/// has answered is on disk and synced. Its rows and its SQL stay in this room.
package final class MailStore: Sendable {
    let writer: Writer
    let readers: ReaderPool
    private let examiner: Examiner
    /// Held until the database is closed.
    private let lock: Mutex<DirectoryLock?>

    /// Makes the directory and the database if need be. One process at a time: `.inUse`.
    package init(directory: String, settings: StoreSettings = .init()) throws(StoreError) {
        let lock = try DirectoryLock(directory)
        let location = DatabaseLocation(
            directory: directory,
            path: try lock.makeDatabaseFile(),
            maximumPages: settings.maximumPages
        )
        let database: Database
        let wasClean: Bool
        do throws(StoreError) {
            database = try location.openForWriting()
            try Schema.migrate(database)
            wasClean = try Self.markOpen(database)
            writer = try Writer(database, at: location, settings: settings)
        } catch {
            throw error.naming(location.path)
        }
        do throws(StoreError) {
            readers = try ReaderPool(location, searchers: 2)
        } catch {
            writer.close()
            throw error
        }
        examiner = Examiner(location, settings: settings)
        self.lock = Mutex(lock)
        writer.submit(StaleSpools(writer, before: Timestamp(milliseconds: 0)))
        if !wasClean {
            settings.log(.uncleanStop)
            examiner.start()
        }
    }

    deinit { close() }

    /// Waits for what is queued; after it everything is refused. Blocks its thread.
    package func close() {
        examiner.stop()
        readers.close()
        writer.close()
        lock.withLock { $0 = nil }
    }

    /// It takes work, and no damage is known.
    package var isHealthy: Bool { writer.isOpen && !examiner.hasFoundDamage }

    /// New mail would be kept: there is enough free disk, and the queue is not full.
    package var hasRoom: Bool { writer.limits.hasRoom(for: 1, beside: unfinishedMessages) }

    /// The free octets of its disk, and how many of them must stay free for mail to be kept; nil where
    /// none must. Blocks its thread.
    package var space: (free: UInt64, floor: UInt64)? { writer.limits.space() }

    /// Other limits than it was opened with.
    package func setLimits(storeFloor: Int, queuedMessages: Int) {
        writer.limits.set(storeFloor: storeFloor, queuedMessages: queuedMessages)
    }

    /// Messages with an unfinished recipient.
    package var unfinishedMessages: Int { writer.tally.unfinished.load(ordering: .relaxed) }

    /// Answers whether the last process closed the store.
    private static func markOpen(_ database: Database) throws(StoreError) -> Bool {
        let clean = try database.integer("SELECT value FROM mark WHERE name = 'clean'")
        try database.execute("INSERT OR REPLACE INTO mark (name, value) VALUES ('clean', 0)")
        return clean != 0
    }
}

extension MailStore {
    /// Runs `work` in a transaction and answers when it is on disk. It may run twice, the first time
    /// having been rolled back.
    func write<Answer: Sendable>(
        octets: Int = 0,
        _ work: @escaping @Sendable (Rows) throws(StoreError) -> Answer
    ) async throws(StoreError) -> Answer {
        let result = await withUnsafeContinuation { continuation in
            writer.submit(Write(octets: octets, work: work) { continuation.resume(returning: $0) })
        }
        return try result.get()
    }

    /// Runs `query` on a reader's thread, all of it on one state of the database.
    func read<Answer: Sendable>(
        _ reading: Reading = .search,
        _ query: @escaping @Sendable (Database) throws(StoreError) -> Answer
    ) async throws(StoreError) -> Answer {
        let result = await withUnsafeContinuation { continuation in
            readers.submit(reading) { connection in
                let result = connection.flatMap { database in
                    Result { () throws(StoreError) in try query(database) }
                }
                continuation.resume(returning: result)
            }
        }
        return try result.get()
    }
}
