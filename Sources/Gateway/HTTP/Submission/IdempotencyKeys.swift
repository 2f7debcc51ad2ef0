import Synchronization

/// The idempotency keys at work right now. A second request with one of them must wait.
final class IdempotencyKeys: Sendable {
    private let busy = Mutex<Set<String>>([])

    init() {}

    /// False when the key is at work already.
    func begin(_ key: String, in scope: String) -> Bool {
        busy.withLock { $0.insert(scope + "\u{0}" + key).inserted }
    }

    func end(_ key: String, in scope: String) {
        busy.withLock { _ = $0.remove(scope + "\u{0}" + key) }
    }
}
