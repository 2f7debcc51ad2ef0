import CSQLite
import Synchronization

/// The one thread that changes the database. It takes whatever waits, does it in one transaction,
/// and tells all callers at once: one sync serves many (group commit).
final class Writer: Sendable {
    private let queue = WorkQueue<Job>()
    private let location: DatabaseLocation
    private let settings: StoreSettings
    private let thread = Mutex<Worker?>(nil)
    private let open = Atomic<Bool>(true)
    /// How many transactions were committed.
    let commits = Atomic<Int>(0)

    /// Takes over `database`, which nobody else may use from now on.
    init(
        _ database: sending Database,
        at location: DatabaseLocation,
        settings: StoreSettings
    ) throws(StoreError) {
        self.location = location
        self.settings = settings
        let rows = try Rows(database, directory: location.directory, settings: settings)
        let first = Handover(rows)
        let worker = Worker { [self] in run(first.take()) }
        thread.withLock { $0 = worker }
    }

    var isOpen: Bool { open.load(ordering: .acquiring) }

    func submit(_ job: Job) {
        guard isOpen else { return job.finish(.unavailable("the store is not open")) }
        if !queue.append(job) { job.finish(.unavailable("the store is closed")) }
    }

    /// Does what is queued, then ends. Blocks.
    func close() {
        queue.close()
        thread.withLock { thread in
            thread?.join()
            thread = nil
        }
        open.store(false, ordering: .releasing)
    }

    private func run(_ first: Rows?) {
        var rows = first
        while let open = rows {
            switch serve(open) {
            case .closed: return
            case .failed(let reason):
                self.open.store(false, ordering: .releasing)
                settings.log(.failed(reason))
                rows = nil
            }
            rows = reopen(replacing: open)
        }
    }

    private enum End {
        case closed
        case failed(String)
    }

    /// Works until the queue is closed or the disk fails.
    private func serve(_ rows: Rows) -> End {
        var checkpointer = Checkpointer()
        while let jobs = queue.waitForAll() {
            let batch = Batch(rows)
            batch.run(jobs) { [queue] in queue.takeAll() }
            commits.add(batch.commits, ordering: .relaxed)
            if let damage = batch.damage { settings.log(.checked(problems: [damage])) }
            if let reason = batch.diskFailure { return .failed(reason) }
            do throws(StoreError) {
                try checkpointer.afterCommit(rows.database)
            } catch {
                return .failed("checkpoint: \(error)")
            }
        }
        _ = try? rows.database.checkpoint(SQLITE_CHECKPOINT_TRUNCATE)
        try? rows.database.execute("UPDATE mark SET value = 1 WHERE name = 'clean'")
        return .closed
    }

    /// Nothing that the failed connection had in memory can be trusted, and what the kernel holds may
    /// not be on disk though a later sync succeeds: what the log has is written again before any work.
    private func reopen(replacing old: Rows) -> Rows? {
        let (message, event, spool) = (old.nextMessage, old.nextEvent, old.nextSpool)
        repeat {
            for job in queue.takeAll() { job.finish(.unavailable("the store is not open")) }
            do throws(StoreError) {
                let database = try location.openForWriting()
                guard try database.checkpoint(SQLITE_CHECKPOINT_TRUNCATE) == 0 else { continue }
                let rows = try Rows(database, directory: location.directory, settings: settings)
                rows.nextMessage = max(rows.nextMessage, message)
                rows.nextEvent = max(rows.nextEvent, event)
                rows.nextSpool = max(rows.nextSpool, spool)
                open.store(true, ordering: .releasing)
                settings.log(.reopened)
                return rows
            } catch {
                settings.log(.failed("\(error)"))
            }
        } while queue.pause(milliseconds: 1000)
        for job in queue.takeAll() { job.finish(.unavailable("the store is closed")) }
        return nil
    }
}

/// Carries a value to the one thread that will own it.
final class Handover<Value>: @unchecked Sendable {
    private var value: Value?
    init(_ value: Value) { self.value = value }
    func take() -> Value? {
        defer { value = nil }
        return value
    }
}
