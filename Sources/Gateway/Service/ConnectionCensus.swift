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
    }

    private struct State {
        var connectors: [String: Figures] = [:]
        var sources: [Source: Int] = [:]
    }

    private let state = Mutex(State())

    /// Counts the client in, or answers false where a limit is reached. A balancer has no peer of its
    /// own: all its clients come from one address.
    func enter(_ connector: ReceiveConnector, _ peer: IPAddress?, at now: Timestamp) -> Bool {
        let source = peer.map { Source(connector: connector.name, peer: $0) }
        return state.withLock { state in
            var figures = state.connectors[connector.name] ?? Figures()
            defer { state.connectors[connector.name] = figures }
            let own = source.flatMap { state.sources[$0] } ?? 0
            figures.lastSeen = now
            guard figures.open + figures.waiting < connector.limits.connections ?? .max,
                own < connector.limits.connectionsPerSource ?? .max
            else {
                figures.refusedConnections += 1
                return false
            }
            figures.open += 1
            figures.acceptedConnections += 1
            if let source { state.sources[source] = own + 1 }
            return true
        }
    }

    func leave(_ connector: ReceiveConnector, _ peer: IPAddress?) {
        let source = peer.map { Source(connector: connector.name, peer: $0) }
        state.withLock { state in
            state.connectors[connector.name]?.open -= 1
            guard let source else { return }
            let own = state.sources[source, default: 1] - 1
            state.sources[source] = own == 0 ? nil : own
        }
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
