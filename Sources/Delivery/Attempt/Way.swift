import Net

/// Where the mail of a domain goes.
struct Way: Sendable, Equatable {
    /// In the order of trying.
    var hosts: [HostPort]
    /// DNSSEC vouches for them.
    var isSecure = false
    /// What the domain demands of those who bring its mail.
    var policy: STSPolicy?

    /// Whether a conversation that is good enough for the other is for this one.
    func isAsSafe(as other: Way) -> Bool {
        isSecure == other.isSecure && policy == other.policy
    }

    /// Whoever answers slowly under many addresses must not be tried under all of them.
    static let mostHosts = 5
    static let mostAddresses = 5
}

/// How a conversation with one host has to be kept private.
struct Privacy: Sendable {
    /// Why the host is believed to be who it says.
    enum Proof: String, Sendable, Equatable {
        case dane
        case policy = "mta-sts"
    }

    let level: Route.Security
    /// Nil where TLS is never spoken.
    let tls: TLSClientContext?
    /// By which the host is known, where that is told by DNS.
    var identity: DANEIdentity?
    /// Nil where it is as the route says.
    var proof: Proof?
}
