import CSQLite
import Glibc
import Synchronization

/// A few connections that only read, each on a thread of its own.
final class ReaderPool: Sendable {
    typealias Query = @Sendable (Result<Database, StoreError>) -> Void

    private let queue = WorkQueue<Query>()
    private let workers: Mutex<[Worker]>

    /// The longest that a query may take: a long one would keep the log from being shortened.
    static let patience = 10

    init(_ location: DatabaseLocation, count: Int) throws(StoreError) {
        var workers: [Worker] = []
        for _ in 1...count {
            let connection = Handover(try location.openForReading())
            workers.append(
                Worker { [queue] in
                    guard let database = connection.take() else { return }
                    let alarm = Alarm(on: database)
                    while let query = queue.waitForOne() {
                        alarm.set(seconds: Self.patience)
                        query(.success(database))
                    }
                }
            )
        }
        self.workers = Mutex(workers)
    }

    func submit(_ query: @escaping Query) {
        if !queue.append(query) { query(.failure(.unavailable("the store is closed"))) }
    }

    /// Answers what waits, then ends. Blocks.
    func close() {
        queue.close()
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
