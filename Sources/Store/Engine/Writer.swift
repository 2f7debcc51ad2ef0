import CSQLite
import Synchronization

/// The one thread that changes the database. It takes whatever waits, does it in one transaction,
/// and tells all callers at once: one sync serves many (group commit).
final class Writer: Sendable {
    private let queue = WorkQueue<Job>()
    private let location: DatabaseLocation
    private let settings: StoreSettings
    private let thread = Mutex<Worker?>(nil)
    private let isReady = Atomic<Bool>(true)
    let tally = Tally()
    let limits: Limits

    /// Takes over `database`, which nobody else may use from now on.
    init(
        _ database: sending Database,
        at location: DatabaseLocation,
        settings: StoreSettings
    ) throws(StoreError) {
        self.location = location
        self.settings = settings
        limits = Limits(settings, directory: location.directory)
        let rows = try Rows(database, limits: limits, tally: tally)
        let first = Handover(rows)
        let worker = Worker { [self] in run(first.take()) }
        thread.withLock { $0 = worker }
    }

    var isOpen: Bool { isReady.load(ordering: .acquiring) }

    func submit(_ job: Job) {
        guard isOpen else { return job.finish(.unavailable("the store is not open")) }
        if !queue.append(job) { job.finish(.unavailable("the store is closed")) }
    }

    /// For a job that nobody waits for: it saves a sync to do it with the next that somebody does.
    func submit(patiently job: Job) {
        guard isOpen else { return job.finish(.unavailable("the store is not open")) }
        if !queue.append(job, patientFor: 3) { job.finish(.unavailable("the store is closed")) }
    }

    /// Does what is queued, then ends. Blocks.
    func close() {
        queue.close()
        thread.withLock { thread in
            thread?.join()
            thread = nil
        }
        isReady.store(false, ordering: .releasing)
    }

    private func run(_ first: Rows?) {
        var rows = first
        while let last = rows.map({ (end: serve($0), next: $0.next) }) {
            guard case .failed(let reason) = last.end else { return }
            isReady.store(false, ordering: .releasing)
            settings.log(.failed(reason))
            // The failed connection must be gone before the next one is opened.
            rows = nil
            rows = reopen(raising: last.next)
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
    private func reopen(raising numbers: NextNumbers) -> Rows? {
        repeat {
            for job in queue.takeAll() { job.finish(.unavailable("the store is not open")) }
            do throws(StoreError) {
                let database = try location.openForWriting()
                guard try database.checkpoint(SQLITE_CHECKPOINT_TRUNCATE) == 0 else { continue }
                let rows = try Rows(database, limits: limits, tally: tally)
                rows.next.raise(to: numbers)
                isReady.store(true, ordering: .releasing)
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
