import Mail
import Synchronization

/// The policies of domains, kept for as long as they say: who can keep us from asking again must not
/// make us forget (RFC 8461 §5.1).
final class STSBook: Sendable {
    private struct Entry {
        let id: String
        let policy: STSPolicy
        let until: Timestamp
    }

    private struct State {
        var entries: [String: Entry] = [:]
        /// Which policies could not be had, and until when nobody asks for them again: §3.3.
        var failures: [String: (id: String, until: Timestamp)] = [:]
    }

    /// Asks for the policy's text; nil where it cannot be had.
    typealias Fetch = @Sendable (_ domain: String) async -> String?

    static let pause = Duration.seconds(300)
    private static let most = 10_000
    private let state = Mutex(State())

    /// The policy that holds for a domain, nil where none does. `id` is what DNS says now; nil where it
    /// says nothing.
    func policy(
        of domain: String,
        id: String?,
        at now: Timestamp,
        fetch: Fetch
    ) async -> STSPolicy? {
        let (known, mustFetch) = state.withLock { state -> (Entry?, Bool) in
            let known = state.entries[domain].flatMap { $0.until > now ? $0 : nil }
            guard let id, known?.id != id else { return (known, false) }
            let failure = state.failures[domain]
            return (
                known,
                failure == nil || failure?.id != id || failure.map { $0.until <= now } == true
            )
        }
        guard mustFetch, let id else { return known?.policy }
        guard let text = await fetch(domain), let policy = STSPolicy(parsing: text) else {
            state.withLock { state in
                if state.failures.count >= Self.most { state.failures = [:] }
                state.failures[domain] = (id, now + Self.pause)
            }
            return known?.policy
        }
        state.withLock { state in
            state.failures[domain] = nil
            if state.entries.count >= Self.most {
                state.entries = state.entries.filter { $0.value.until > now }
            }
            guard state.entries.count < Self.most else { return }
            state.entries[domain] = Entry(id: id, policy: policy, until: now + policy.maxAge)
        }
        return policy
    }
}
