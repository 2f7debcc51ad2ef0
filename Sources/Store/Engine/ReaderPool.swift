import CSQLite
import Glibc
import Synchronization

/// How long a reading may take.
enum Reading {
    /// Some rows found by their number or id. Those that wait are answered together, in one
    /// transaction: its locks and the thread's wake-up cost more than a lookup.
    case lookup
    /// Anything else.
    case search
}

/// A few connections that only read, each on a thread of its own. Lookups have theirs, so that none
/// waits behind a search.
final class ReaderPool: Sendable {
    typealias Query = @Sendable (Result<Database, StoreError>) -> Void

    private let lookups = WorkQueue<Query>()
    private let searches = WorkQueue<Query>()
    private let workers: Mutex<[Worker]>

    /// The longest that a query may take: a long one would keep the log from being shortened.
    static let patience = 10

    init(_ location: DatabaseLocation, searchers: Int) throws(StoreError) {
        var workers = [
            Self.worker(try location.openForReading()) { [lookups] in lookups.waitForAll() }
        ]
        for _ in 1...searchers {
            workers.append(
                Self.worker(try location.openForReading()) { [searches] in
                    searches.waitForOne().map { [$0] }
                }
            )
        }
        self.workers = Mutex(workers)
    }

    private static func worker(
        _ database: sending Database,
        next: @escaping @Sendable () -> [Query]?
    ) -> Worker {
        let connection = Handover(database)
        return Worker {
            guard let database = connection.take() else { return }
            let alarm = Alarm(on: database)
            while let queries = next() {
                alarm.set(seconds: patience)
                answer(queries, from: database)
            }
        }
    }

    /// All on one state of the database.
    private static func answer(_ queries: [Query], from database: Database) {
        do throws(StoreError) {
            try database.prepare("BEGIN").run()
        } catch {
            for query in queries { query(.failure(error)) }
            return
        }
        for query in queries { query(.success(database)) }
        _ = try? database.prepare("COMMIT").run()
    }

    func submit(_ reading: Reading, _ query: @escaping Query) {
        let queue =
            switch reading {
            case .lookup: lookups
            case .search: searches
            }
        if !queue.append(query) { query(.failure(.unavailable("the store is closed"))) }
    }

    /// Answers what waits, then ends. Blocks.
    func close() {
        lookups.close()
        searches.close()
        workers.withLock { workers in
            for worker in workers { worker.join() }
            workers = []
        }
    }
}

/// Interrupts a connection's statements after a while, or when told to.
final class Alarm {
    private let database: Database
    private var end = Int.max
    private let shouldStop: () -> Bool

    init(on database: Database, shouldStop: @escaping () -> Bool = { false }) {
        self.database = database
        self.shouldStop = shouldStop
        sqlite3_progress_handler(
            database.handle,
            20_000,
            { context in
                guard let context else { return 0 }
                return Unmanaged<Alarm>.fromOpaque(context).takeUnretainedValue().isDue ? 1 : 0
            },
            Unmanaged.passUnretained(self).toOpaque()
        )
    }

    deinit { sqlite3_progress_handler(database.handle, 0, nil, nil) }

    func set(seconds: Int) { end = Self.now() + seconds }

    private var isDue: Bool { Self.now() > end || shouldStop() }

    private static func now() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC_COARSE, &time)
        return time.tv_sec
    }
}
