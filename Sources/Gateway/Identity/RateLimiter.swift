import Mail
import Policy
import Store
import Synchronization

/// How much of a rate is left (the RateLimit header fields of the IETF's draft).
struct RateState: Equatable, Sendable {
    let quota: Int
    let remaining: Int
    /// Seconds until more is to be had.
    let reset: Int
}

/// A rate that something counts against.
struct Rate: Equatable, Sendable {
    /// Its name in the header fields.
    let policy: String
    let bucket: String
    let quota: Int
}

extension Rate {
    /// Of an application, by whatever door its mail comes.
    init?(_ application: ApplicationRecord) {
        guard let quota = application.rate else { return nil }
        self.init(policy: "default", bucket: application.id.description, quota: quota)
    }

    /// Of a client at a connector.
    init?(_ connector: ReceiveConnector, _ peer: IPAddress) {
        guard let quota = connector.limits.messagesPerMinute else { return nil }
        self.init(policy: "connector", bucket: "\(connector.name) \(peer)", quota: quota)
    }

    /// Of a client's IPv6 network at a connector, as of so many of its addresses: one host has them
    /// all.
    init?(_ connector: ReceiveConnector, networkOf peer: IPAddress) {
        guard peer.family == .v6, let quota = connector.limits.messagesPerMinute else { return nil }
        self.init(
            policy: "connector",
            bucket: "\(connector.name) \(peer.network)/64",
            quota: quota * ConnectionCensus.neighbours
        )
    }
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

    private struct State {
        var buckets: [String: Bucket] = [:]
        /// How many buckets there may be before the full ones are thrown away.
        var limit = 100_000
    }

    private let state = Mutex(State())

    init() {}

    /// Takes `count` tokens, or none of them and answers false.
    func take(
        _ count: Int,
        of name: String,
        perMinute quota: Int,
        at now: Timestamp
    ) -> (isAllowed: Bool, state: RateState) {
        let capacity = quota * Bucket.token
        return state.withLock { state in
            if state.buckets.count > state.limit {
                // A bucket untouched for a minute is full again. The next walk waits until there are
                // twice as many: a crowd must not make each request walk over all of them.
                state.buckets = state.buckets.filter { now - $0.value.at < .seconds(60) }
                state.limit = max(100_000, 2 * state.buckets.count)
            }
            var bucket = state.buckets[name] ?? Bucket(units: capacity, at: now)
            bucket.refill(to: capacity, by: quota, at: now)
            let price = count * Bucket.token
            let isAllowed = bucket.units >= price
            if isAllowed { bucket.units -= price }
            state.buckets[name] = bucket
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

extension RateLimiter {
    /// How the rates stand, in the fields of draft-ietf-httpapi-ratelimit-headers.
    func fields(for rates: [Rate], at now: Timestamp) -> [(name: String, value: String)] {
        guard !rates.isEmpty else { return [] }
        let states = rates.map { rate in
            take(0, of: rate.bucket, perMinute: rate.quota, at: now).state
        }
        let policies = rates.map { "\"\($0.policy)\";q=\($0.quota);w=60" }
        let limits = zip(rates, states).map { rate, state in
            "\"\(rate.policy)\";r=\(state.remaining);t=\(state.reset)"
        }
        return [
            ("RateLimit-Policy", policies.joined(separator: ", ")),
            ("RateLimit", limits.joined(separator: ", ")),
        ]
    }
}
