import Glibc
import Synchronization

/// What must be ended or removed, last made first, however the benchmark ends.
enum Cleanup {
    private static let tasks = Mutex<[@Sendable () -> Void]>([])

    private static let turn = Mutex(())
    private static let hasBegun = Atomic(false)

    /// After the end has begun nothing may be started any more.
    static func add(_ task: @escaping @Sendable () -> Void) throws(Invalid) {
        let isTooLate = tasks.withLock { tasks in
            tasks.append(task)
            return hasBegun.load(ordering: .relaxed)
        }
        guard isTooLate else { return }
        run()
        throw Invalid("interrupted")
    }

    /// Returns when all is done, also to a second caller.
    static func run() {
        tasks.withLock { _ in hasBegun.store(true, ordering: .relaxed) }
        turn.withLock { _ in
            while let task = tasks.withLock({ $0.popLast() }) { task() }
        }
    }

    /// From now on a signal, or a run without end, cleans up before it ends the process.
    static func watchSignals(limit: UInt32 = 3600) {
        var ends: [Int32] = [0, 0]
        pipe(&ends)
        readingEnd.store(ends[0], ordering: .releasing)
        writingEnd.store(ends[1], ordering: .releasing)
        for number in [SIGINT, SIGTERM, SIGHUP, SIGALRM] {
            // A handler may do almost nothing; blocking the signals would not do, for the main
            // thread waits with all of them open.
            signal(number) { number in
                var octet = UInt8(truncatingIfNeeded: number)
                _ = write(writingEnd.load(ordering: .acquiring), &octet, 1)
            }
        }
        var thread = pthread_t()
        pthread_create(&thread, nil, waitForSignal, nil)
        pthread_detach(thread)
        alarm(limit)
    }
}

/// C functions can hold nothing of their own.
private let readingEnd = Atomic<Int32>(-1)
private let writingEnd = Atomic<Int32>(-1)

private func waitForSignal(_: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    var octet: UInt8 = 0
    while read(readingEnd.load(ordering: .acquiring), &octet, 1) != 1 {}
    Progress.say(Int32(octet) == SIGALRM ? "INVALID: took too long" : "interrupted")
    Cleanup.run()
    _exit(128 + Int32(octet))
}
