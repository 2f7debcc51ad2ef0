import Net

/// Where the mail of a domain goes.
struct Way: Sendable, Equatable {
    /// In the order of trying.
    var hosts: [HostPort]
    /// DNSSEC vouches for them.
    var isSecure = false

    /// Whether a conversation that is good enough for the other is for this one.
    func isAsSafe(as other: Way) -> Bool { isSecure == other.isSecure }

    /// Whoever answers slowly under many addresses must not be tried under all of them.
    static let mostHosts = 5
    static let mostAddresses = 5
}

/// How a conversation with one host has to be kept private.
struct Privacy: Sendable {
    let level: Route.Security
    /// Nil where TLS is never spoken.
    let tls: TLSClientContext?
    /// By which the host is known, where that is told by DNS.
    var identity: DANEIdentity?
}
