import Mail

/// Which next hops are dead: remembered for a short, growing time, so that not each message waits
/// for its own connect timeout; after that one attempt at a time finds out.
struct HostHealth: Sendable {
    struct Ailment: Sendable, Equatable {
        /// How many times in a row it was found dead.
        var failures: Int
        var deadUntil: Timestamp
        /// What was found last.
        var reason: String
    }

    enum Permission: Sendable, Equatable {
        case healthy
        /// It was dead; whoever holds this finds out whether it still is.
        case probe
        case denied(Ailment)
    }

    /// The first silence, doubled with each failure up to the longest.
    var shortest = Duration.seconds(5)
    var longest = Duration.seconds(60)
    /// How long one attempt may find out before another may try too.
    var probe = Duration.seconds(40)
    private var ailing: [String: Ailment] = [:]

    init() {}

    /// Whether to try this host now; a probe is allowed once in its time.
    mutating func permission(for host: String, at now: Timestamp) -> Permission {
        guard var ailment = ailing[host] else { return .healthy }
        guard ailment.deadUntil <= now else { return .denied(ailment) }
        ailment.deadUntil = now + probe
        ailing[host] = ailment
        return .probe
    }

    /// Attempts that were under way when the host died add nothing to its failures; a probe does.
    mutating func failed(_ host: String, because reason: String, at now: Timestamp, isProbe: Bool) {
        var ailment = ailing[host] ?? Ailment(failures: 0, deadUntil: now, reason: reason)
        guard ailment.failures == 0 || isProbe else { return }
        let doubled = shortest * (1 << min(ailment.failures, 10))
        ailment.failures += 1
        ailment.deadUntil = now + min(doubled, longest)
        ailment.reason = reason
        ailing[host] = ailment
    }

    mutating func succeeded(_ host: String) {
        if !ailing.isEmpty { ailing[host] = nil }
    }

    func dead(at now: Timestamp) -> [(host: String, ailment: Ailment)] {
        ailing.filter { $0.value.deadUntil > now }
            .map { (host: $0.key, ailment: $0.value) }.sorted { $0.host < $1.host }
    }

    /// When the first dead host may be tried again.
    var earliestReturn: Timestamp? { ailing.values.lazy.map(\.deadUntil).min() }

    /// Forgets what is long over, so that the hosts of a lifetime do not pile up.
    mutating func forget(before moment: Timestamp) {
        ailing = ailing.filter { $0.value.deadUntil >= moment }
    }

    /// Lets all be tried at once.
    mutating func reset() { ailing = [:] }
}
