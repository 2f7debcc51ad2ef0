/// Why no conversation came about.
struct HopFailure: Error, Sendable, Equatable {
    enum Scope: Sendable, Equatable {
        /// This address or host; another may do.
        case host
        /// Whatever the host: the route's own condition.
        case route
        /// The domain has no next hop, and will have none: its recipients have failed.
        case domain
    }

    let phase: Phase
    let scope: Scope
    let reply: HopReply
    /// Nil where no connection was tried.
    var facts: AttemptFacts?

    /// Whether TLS, and nothing else, stood in the way.
    var isHandshake: Bool { phase == .handshake }
}

/// A conversation that came to an end before its time.
struct LostConversation: Error, Sendable, Equatable {
    let phase: Phase
    /// What happened, for a human.
    let reason: String
    /// The mail's content could not be read; the next hop is not to blame.
    var isOwnFault = false
}
