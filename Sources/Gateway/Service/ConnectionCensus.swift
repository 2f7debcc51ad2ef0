import Mail
import Policy
import Synchronization

/// Who is connected, counted against a connector's limits; and what each connector has seen since
/// the start.
final class ConnectionCensus: Sendable {
    /// A connector's figures, as an administrator sees them.
    struct Figures: Equatable, Sendable {
        var open = 0
        var acceptedConnections = 0
        var refusedConnections = 0
        /// Messages kept.
        var accepted = 0
        /// Messages and recipients refused.
        var refused = 0
        /// Connections of balancers that have not told their client yet.
        fileprivate var waiting = 0
        /// When the last client came.
        var lastSeen: Timestamp?
    }

    private struct Source: Hashable {
        let connector: String
        let peer: IPAddress
        var isNetwork = false
    }

    /// An IPv6 network may have as many connections as so many of its addresses: one host has them all.
    static let neighbours = 8

    private struct State {
        var connectors: [String: Figures] = [:]
        var sources: [Source: Int] = [:]
    }

    private let state = Mutex(State())

    /// Counts the client in, or answers false where a limit is reached. A balancer has no peer of its
    /// own: all its clients come from one address.
    func enter(_ connector: ReceiveConnector, _ peer: IPAddress?, at now: Timestamp) -> Bool {
        let sources = sources(of: connector, peer)
        return state.withLock { state in
            var figures = state.connectors[connector.name] ?? Figures()
            defer { state.connectors[connector.name] = figures }
            figures.lastSeen = now
            guard figures.open + figures.waiting < connector.limits.connections ?? .max,
                sources.allSatisfy({ state.sources[$0.source, default: 0] < $0.most })
            else {
                figures.refusedConnections += 1
                return false
            }
            figures.open += 1
            figures.acceptedConnections += 1
            for source in sources { state.sources[source.source, default: 0] += 1 }
            return true
        }
    }

    func leave(_ connector: ReceiveConnector, _ peer: IPAddress?) {
        let sources = sources(of: connector, peer).map(\.source)
        state.withLock { state in
            state.connectors[connector.name]?.open -= 1
            for source in sources {
                let rest = state.sources[source, default: 1] - 1
                state.sources[source] = rest == 0 ? nil : rest
            }
        }
    }

    /// Where a client counts, and how many may come from there.
    private func sources(
        of connector: ReceiveConnector,
        _ peer: IPAddress?
    ) -> [(source: Source, most: Int)] {
        guard let peer else { return [] }
        let most = connector.limits.connectionsPerSource ?? .max
        let source = Source(connector: connector.name, peer: peer)
        guard peer.family == .v6 else { return [(source, most)] }
        let network = Source(connector: connector.name, peer: peer.network, isNetwork: true)
        let (all, isOverflow) = most.multipliedReportingOverflow(by: Self.neighbours)
        return [(source, most), (network, isOverflow ? .max : all)]
    }

    /// The same for a connection whose client is not known yet.
    func beginWaiting(_ connector: ReceiveConnector) -> Bool {
        state.withLock { state in
            var figures = state.connectors[connector.name] ?? Figures()
            let isRoom = figures.open + figures.waiting < connector.limits.connections ?? .max
            if isRoom { figures.waiting += 1 } else { figures.refusedConnections += 1 }
            state.connectors[connector.name] = figures
            return isRoom
        }
    }

    func endWaiting(_ connector: ReceiveConnector) {
        state.withLock { $0.connectors[connector.name]?.waiting -= 1 }
    }

    func countAccepted(_ count: Int, by connector: String) {
        state.withLock { $0.connectors[connector, default: Figures()].accepted += count }
    }

    func countRefused(by connector: String) {
        state.withLock { $0.connectors[connector, default: Figures()].refused += 1 }
    }

    /// All zero for a connector that nobody has used.
    func figures(of connector: String) -> Figures {
        state.withLock { $0.connectors[connector] ?? Figures() }
    }
}
