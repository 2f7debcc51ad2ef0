import Synchronization

/// Sources from which a logon has gone well before. What crowds of strangers do to each other does
/// not touch them.
final class LogonRegulars: Sendable {
    static let most = 20_000

    private let sources = Mutex<Set<LogonSource>>([])

    func contain(_ source: LogonSource) -> Bool {
        sources.withLock { $0.contains(source) }
    }

    func add(_ source: LogonSource) {
        sources.withLock { sources in
            if sources.count >= Self.most, !sources.contains(source) { sources.removeFirst() }
            sources.insert(source)
        }
    }
}
