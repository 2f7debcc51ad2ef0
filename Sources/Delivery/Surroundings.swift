package import Mail
package import Net

/// The world as delivery sees it, so that a test can put another in its place.
package struct Surroundings: Sendable {
    package var clock: @Sendable () -> Timestamp
    /// Even in 0..<1; spreads retries.
    package var chance: @Sendable () -> Double
    /// Of a host, to be tried in order.
    package var addresses: @Sendable (String, Duration) async throws(ResolverError) -> HostAddresses
    /// Of a domain.
    package var exchangers:
        @Sendable (String, Duration) async throws(ResolverError) -> MailExchangers
    /// What the service at a host and port shows in its handshake; nil where nobody vouches for it.
    package var authentications:
        @Sendable (String, Int, Duration) async throws(ResolverError) -> [TLSARecord]?
    /// The TXT records of a name.
    package var texts: @Sendable (String, Duration) async throws(ResolverError) -> [String]
    /// To, from, within; on the current event loop.
    package var connect:
        @Sendable (SocketAddress, SocketAddress?, Duration) async throws(StreamError) -> Connection

    package init(
        clock: @escaping @Sendable () -> Timestamp,
        chance: @escaping @Sendable () -> Double = { Double.random(in: 0..<1) },
        resolver: Resolver
    ) {
        self.init(
            clock: clock,
            chance: chance,
            connect: { (peer, source, limit) async throws(StreamError) in
                try await Connection.connect(to: peer, from: source, within: limit)
            }
        )
        ask(resolver)
    }

    /// Without names: nobody is found.
    init(
        clock: @escaping @Sendable () -> Timestamp,
        chance: @escaping @Sendable () -> Double,
        connect:
            @escaping @Sendable (SocketAddress, SocketAddress?, Duration)
            async throws(StreamError) -> Connection
    ) {
        self.clock = clock
        self.chance = chance
        self.connect = connect
        addresses = { (_, _) async throws(ResolverError) in throw .noSuchName }
        exchangers = { (_, _) async throws(ResolverError) in throw .noSuchName }
        authentications = { (_, _, _) async throws(ResolverError) in nil }
        texts = { (_, _) async throws(ResolverError) in [] }
    }

    /// Names are looked up there from now on.
    mutating func ask(_ resolver: Resolver) {
        addresses = { (host, limit) async throws(ResolverError) in
            try await resolver.addresses(of: host, within: limit)
        }
        exchangers = { (domain, limit) async throws(ResolverError) in
            try await resolver.mailExchangers(of: domain, within: limit)
        }
        authentications = { (host, port, limit) async throws(ResolverError) in
            try await resolver.authentications(of: host, port: port, within: limit)
        }
        texts = { (name, limit) async throws(ResolverError) in
            try await resolver.texts(of: name, within: limit)
        }
    }
}
