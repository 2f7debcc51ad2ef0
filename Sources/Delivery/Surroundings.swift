package import Mail
package import Net

/// The world as delivery sees it, so that a test can put another in its place.
package struct Surroundings: Sendable {
    package typealias Exchanger = (preference: UInt16, host: String)

    package var clock: @Sendable () -> Timestamp
    /// Even in 0..<1; spreads retries.
    package var chance: @Sendable () -> Double
    /// The IP addresses of a host, to be tried in order.
    package var addresses: @Sendable (String, Duration) async throws(ResolverError) -> [String]
    package var exchangers: @Sendable (String, Duration) async throws(ResolverError) -> [Exchanger]
    /// To, from, within; on the current event loop.
    package var connect:
        @Sendable (SocketAddress, SocketAddress?, Duration) async throws(StreamError) -> Connection

    package init(
        clock: @escaping @Sendable () -> Timestamp,
        chance: @escaping @Sendable () -> Double = { Double.random(in: 0..<1) },
        resolver: Resolver
    ) {
        self.clock = clock
        self.chance = chance
        addresses = { (host, limit) async throws(ResolverError) in
            try await resolver.addresses(of: host, within: limit)
        }
        exchangers = { (domain, limit) async throws(ResolverError) in
            try await resolver.mailExchangers(of: domain, within: limit)
        }
        connect = { (peer, source, limit) async throws(StreamError) in
            try await Connection.connect(to: peer, from: source, within: limit)
        }
    }

    init(
        clock: @escaping @Sendable () -> Timestamp,
        chance: @escaping @Sendable () -> Double,
        addresses: @escaping @Sendable (String, Duration) async throws(ResolverError) -> [String],
        exchangers:
            @escaping @Sendable (String, Duration) async throws(ResolverError)
            -> [Exchanger],
        connect:
            @escaping @Sendable (SocketAddress, SocketAddress?, Duration)
            async throws(StreamError) -> Connection
    ) {
        self.clock = clock
        self.chance = chance
        self.addresses = addresses
        self.exchangers = exchangers
        self.connect = connect
    }
}
