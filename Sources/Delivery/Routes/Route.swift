package import Mail

/// One send connector as configured: where its mail goes and how.
package struct Route: Sendable, Equatable {
    package enum Hop: Sendable, Equatable {
        /// In order: the next is asked when one cannot be reached or does not want to talk.
        case smartHosts([HostPort])
        /// The MX hosts of the recipient's domain, else its addresses (RFC 5321 §5.1).
        case mailExchangers
        /// Kept and shown, never sent.
        case capture
    }

    package enum Security: String, Sendable, CaseIterable {
        case none, opportunistic, required, verified, implicit
    }

    package let name: String
    package var hop: Hop
    package var security: Security
    /// PEM certificates that vouch for the next hop; nil: the system's.
    package var caFile: String?
    package var credentials: Credentials?
    package var limits: RouteLimits
    /// What EHLO says.
    package var helloName: String
    /// The local IP address to send from; nil: the system chooses.
    package var sourceAddress: String?
    /// Mail whose author is of one of these domains is signed with their keys.
    package var dkim: [DKIMKey] = []
    /// Shown to a next hop that asks for one in the handshake.
    package var certificate: ClientCertificate?
    /// For a next hop that takes mail from one sender only.
    package var rewrite: SenderRewrite?
    /// Whom it asks for names; nil: the system's name servers.
    package var nameServers: NameServers?

    package init(
        name: String,
        hop: Hop,
        security: Security = .opportunistic,
        caFile: String? = nil,
        credentials: Credentials? = nil,
        limits: RouteLimits = RouteLimits(),
        helloName: String,
        sourceAddress: String? = nil
    ) {
        self.name = name
        self.hop = hop
        self.security = security
        self.caFile = caFile
        self.credentials = credentials
        self.limits = limits
        self.helloName = helloName
        self.sourceAddress = sourceAddress
    }
}

package struct RouteLimits: Sendable, Equatable {
    package var connections: Int
    package var messagesPerConnection: Int
    package var messagesPerMinute: Int?
    /// Within any 24 hours.
    package var recipientsPerDay: Int?
    package var recipientsPerMessage: Int
    /// In octets.
    package var messageSize: Int?

    package init(
        connections: Int = 20,
        messagesPerConnection: Int = 100,
        messagesPerMinute: Int? = nil,
        recipientsPerDay: Int? = nil,
        recipientsPerMessage: Int = 100,
        messageSize: Int? = nil
    ) {
        self.connections = connections
        self.messagesPerConnection = messagesPerConnection
        self.messagesPerMinute = messagesPerMinute
        self.recipientsPerDay = recipientsPerDay
        self.recipientsPerMessage = recipientsPerMessage
        self.messageSize = messageSize
    }
}
