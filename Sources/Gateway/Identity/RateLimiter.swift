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
    /// Counted in sixty-thousandths of a token, of which a quota of N refills N a millisecond: whole
    /// numbers never fall short of a token.
    private struct Bucket {
        static let token = 60_000

        var units: Int
        var at: Timestamp

        mutating func refill(to capacity: Int, by quota: Int, at now: Timestamp) {
            // A clock that goes back gives nothing, now or later.
            let elapsed = min(60_000, max(0, Int((now - at).milliseconds)))
            units = min(capacity, units + elapsed * quota)
            at = max(at, now)
        }
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
        let capacity = quota * Bucket.token
        return buckets.withLock { buckets in
            if buckets.count > 100_000 {
                buckets = buckets.filter { now - $0.value.at < .seconds(60) }
            }
            var bucket = buckets[name] ?? Bucket(units: capacity, at: now)
            bucket.refill(to: capacity, by: quota, at: now)
            let price = count * Bucket.token
            let isAllowed = bucket.units >= price
            if isAllowed { bucket.units -= price }
            buckets[name] = bucket
            let missing = max(0, max(price, Bucket.token) - bucket.units)
            let seconds = (missing + quota * 1000 - 1) / (quota * 1000)
            return (
                isAllowed,
                RateState(
                    quota: quota,
                    remaining: bucket.units / Bucket.token,
                    reset: seconds
                )
            )
        }
    }
}
