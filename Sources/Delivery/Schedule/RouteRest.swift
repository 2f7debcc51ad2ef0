import Mail

/// A route's own condition: its next hop refuses to talk, to let us log on, or has had enough for now.
/// Mail waits; after a rest that grows while nothing gets better, one attempt finds out.
struct RouteRest: Sendable, Equatable {
    private(set) var until: Timestamp?
    private(set) var reason: String?
    private var failures = 0

    static let shortest = Duration.seconds(10)
    static let longest = Duration.seconds(300)

    func isResting(at now: Timestamp) -> Bool { until.map { $0 > now } ?? false }

    /// After a rest the route is on trial: one attempt at a time until one succeeds.
    var isOnTrial: Bool { failures > 0 }

    /// `end`: known from elsewhere, such as when a dead host may be tried again.
    /// `first`: how long the first rest is; the next are twice as long each.
    mutating func begin(
        because reason: String,
        at now: Timestamp,
        end: Timestamp? = nil,
        _ first: Duration? = nil
    ) {
        self.reason = reason
        // Attempts that were under way when the rest began say nothing new.
        guard !isResting(at: now) else { return }
        let first = first ?? Self.shortest
        let longest = max(Self.longest, min(first * 6, .seconds(86_400)))
        until = end ?? now + min(first * (1 << min(failures, 10)), longest)
        failures += 1
    }

    mutating func end() { self = RouteRest() }
}
