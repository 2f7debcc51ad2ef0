import Mail

/// A rate, kept exactly: so many messages a minute with a small burst.
struct TokenBucket: Sendable {
    /// Milliseconds between two messages at full rate, times 1000 to lose no fraction.
    private let interval: Int64
    private let burst: Int64
    /// When the bucket will be full again, in thousandths of a millisecond.
    private var fullAt: Int64

    /// A tenth of a minute's worth may go at once.
    init(perMinute: Int) {
        interval = 60_000_000 / Int64(max(1, perMinute))
        burst = Int64(max(1, perMinute / 10))
        fullAt = .min
    }

    /// Takes one token if there is one.
    mutating func take(at now: Timestamp) -> Bool {
        guard nextToken(after: now) <= now else { return false }
        fullAt = max(fullAt, now.milliseconds * 1000) + interval
        return true
    }

    /// The moment from which a token can be had: `now` itself when there is one.
    func nextToken(after now: Timestamp) -> Timestamp {
        guard fullAt > now.milliseconds * 1000 else { return now }
        let from = fullAt - (burst - 1) * interval
        return max(now, Timestamp(milliseconds: (from + 999) / 1000))
    }
}
