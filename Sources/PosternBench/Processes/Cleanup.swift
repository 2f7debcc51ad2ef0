import Glibc
import Synchronization

/// What must be ended or removed, last made first, however the benchmark ends.
enum Cleanup {
    private static let tasks = Mutex<[@Sendable () -> Void]>([])

    static func add(_ task: @escaping @Sendable () -> Void) {
        tasks.withLock { $0.append(task) }
    }

    static func run() {
        while let task = tasks.withLock({ $0.popLast() }) { task() }
    }

    /// From now on a signal, or a run without end, cleans up before it ends the process.
    static func watchSignals(limit: UInt32 = 3600) {
        var signals = sigset_t()
        sigemptyset(&signals)
        for signal in [SIGINT, SIGTERM, SIGHUP, SIGALRM] { sigaddset(&signals, signal) }
        // Threads that begin later inherit it.
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        var thread = pthread_t()
        pthread_create(&thread, nil, Self.waitForSignal, nil)
        pthread_detach(thread)
        alarm(limit)
    }

    private static let waitForSignal:
        @convention(c) (UnsafeMutableRawPointer?) ->
            UnsafeMutableRawPointer? = { _ in
                var signals = sigset_t()
                sigemptyset(&signals)
                for signal in [SIGINT, SIGTERM, SIGHUP, SIGALRM] { sigaddset(&signals, signal) }
                var signal: Int32 = 0
                sigwait(&signals, &signal)
                Progress.say(signal == SIGALRM ? "INVALID: took too long" : "interrupted")
                Cleanup.run()
                _exit(128 + signal)
            }
}
