import Mail
import Synchronization

/// How much of a rate is left (the RateLimit header fields of the IETF's draft).
struct RateState: Equatable, Sendable {
    let quota: Int
    let remaining: Int
    /// Seconds until more is to be had.
    let reset: Int
}

/// A bucket of tokens for each name: it holds a minute's worth and refills evenly.
final class RateLimiter: Sendable {
    private struct Bucket {
        var tokens: Double
        var at: Timestamp
    }

    private let buckets = Mutex<[String: Bucket]>([:])

    init() {}

    /// Takes `count` tokens, or none of them and answers false.
    func take(
        _ count: Int,
        of name: String,
        perMinute quota: Int,
        at now: Timestamp
    ) -> (isAllowed: Bool, state: RateState) {
        buckets.withLock { buckets in
            if buckets.count > 100_000 {
                buckets = buckets.filter { now - $0.value.at < .seconds(60) }
            }
            var bucket = buckets[name] ?? Bucket(tokens: Double(quota), at: now)
            let elapsed = Double(max(0, (now - bucket.at).milliseconds)) / 60_000
            bucket.tokens = min(Double(quota), bucket.tokens + elapsed * Double(quota))
            bucket.at = now
            let isAllowed = bucket.tokens >= Double(count)
            if isAllowed { bucket.tokens -= Double(count) }
            buckets[name] = bucket
            let missing = max(0, Double(max(1, count)) - bucket.tokens)
            let seconds = (missing / Double(quota) * 60).rounded(.up)
            return (
                isAllowed,
                RateState(quota: quota, remaining: Int(bucket.tokens), reset: Int(seconds))
            )
        }
    }
}
