package import Mail

/// A route that carries nothing for the time being, and why.
package struct RouteSuspension: Hashable, Sendable {
    package let route: String
    package var reason: String
    /// Who ordered it.
    package var by: String
    package var since: Timestamp
    /// When it ends by itself; nil: when somebody ends it.
    package var until: Timestamp?

    /// Who orders it when the next hop has said so.
    package static let upstream = "upstream"

    package init(
        route: String,
        reason: String,
        by who: String,
        since: Timestamp,
        until: Timestamp? = nil
    ) {
        self.route = route
        self.reason = reason
        by = who
        self.since = since
        self.until = until
    }
}
