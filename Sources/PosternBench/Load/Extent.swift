import Synchronization

/// How much is asked of all clients together: a time, or a number of messages.
final class Extent: Sendable {
    private let end: Int64
    private let left: Atomic<Int>

    private init(end: Int64, left: Int) {
        self.end = end
        self.left = Atomic(left)
    }

    static func lasting(_ duration: Duration) -> Extent {
        let (seconds, attoseconds) = duration.components
        let nanoseconds = seconds * 1_000_000_000 + attoseconds / 1_000_000_000
        return Extent(end: Clock.now + nanoseconds, left: .max)
    }

    static func messages(_ count: Int) -> Extent { Extent(end: .max, left: count) }

    /// Takes one more, if there is one.
    func takeOne() -> Bool {
        guard Clock.now < end else { return false }
        return left.subtract(1, ordering: .relaxed).newValue >= 0
    }
}
