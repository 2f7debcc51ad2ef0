import Glibc

/// A moment of the monotonic clock, in nanoseconds. A plain number: waits compare it often.
struct Instant: Comparable {
    let nanoseconds: Int64

    static let never = Instant(nanoseconds: .max)

    static var now: Instant {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Instant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    /// A limit of more than a century is no limit.
    static func + (start: Instant, limit: Duration) -> Instant {
        let (seconds, attoseconds) = limit.components
        guard seconds < 3_000_000_000 else { return .never }
        return Instant(
            nanoseconds: start.nanoseconds + seconds * 1_000_000_000 + attoseconds / 1_000_000_000
        )
    }

    static func < (one: Instant, other: Instant) -> Bool { one.nanoseconds < other.nanoseconds }

    /// What is left until then, never negative.
    func remaining(from now: Instant = .now) -> Duration {
        self == .never
            ? .seconds(3_000_000_000) : .nanoseconds(max(0, nanoseconds - now.nanoseconds))
    }
}
