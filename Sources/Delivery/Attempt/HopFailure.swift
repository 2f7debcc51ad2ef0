/// Why no conversation came about.
struct HopFailure: Error, Sendable, Equatable {
    enum Scope: Sendable, Equatable {
        /// This address or host; another may do.
        case host
        /// There is no such host, or it is ourselves; another may do.
        case nowhere
        /// It has as many conversations as it bears, so many.
        case crowd(Int)
        /// Whatever the host: the route's own condition.
        case route
        /// The domain has no next hop, and will have none: its recipients have failed.
        case domain
    }

    let phase: Phase
    let scope: Scope
    let reply: HopReply
    /// The host is this one.
    var isLoop = false
    /// It did not prove to be whom the domain trusts; the mail of others may go there.
    var isOfDomain = false
    /// Nil where no connection was tried.
    var facts: AttemptFacts?

    /// Whether TLS, and nothing else, stood in the way.
    var isHandshake: Bool { phase == .handshake }
}

extension HopFailure {
    static func unroutable(_ text: String) -> HopFailure {
        HopFailure(phase: .resolve, scope: .route, reply: .found(text, "4.4.4"))
    }

    static func unresolved(_ text: String, _ host: HostPort) -> HopFailure {
        HopFailure(
            phase: .resolve,
            scope: .host,
            reply: .found(text, "4.4.3", host: host.description)
        )
    }

    static func nowhere(_ text: String, _ host: HostPort) -> HopFailure {
        HopFailure(
            phase: .resolve,
            scope: .nowhere,
            reply: .found(text, "4.4.4", host: host.description)
        )
    }

    static func loop(_ text: String, _ host: HostPort) -> HopFailure {
        HopFailure(
            phase: .hello,
            scope: .nowhere,
            reply: .found(text, "4.4.6", host: host.description),
            isLoop: true
        )
    }

    static func noDomain(_ text: String, _ enhanced: String) -> HopFailure {
        HopFailure(phase: .resolve, scope: .domain, reply: .found(text, enhanced))
    }
}

/// A conversation that came to an end before its time.
struct LostConversation: Error, Sendable, Equatable {
    let phase: Phase
    /// What happened, for a human.
    let reason: String
    /// The mail's content could not be read; the next hop is not to blame.
    var isOwnFault = false
}
