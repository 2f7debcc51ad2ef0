import Mail
import Policy
import Synchronization

/// Who is connected, counted against a connector's limits.
final class ConnectionCensus: Sendable {
    private struct Source: Hashable {
        let connector: String
        let peer: IPAddress
    }

    private struct State {
        var connectors: [String: Int] = [:]
        var sources: [Source: Int] = [:]
    }

    private let state = Mutex(State())

    /// Counts the client in, or answers false where a limit is reached.
    func enter(_ connector: ReceiveConnector, _ peer: IPAddress) -> Bool {
        let source = Source(connector: connector.name, peer: peer)
        return state.withLock { state in
            let all = state.connectors[connector.name, default: 0]
            let own = state.sources[source, default: 0]
            guard all < connector.limits.connections ?? .max,
                own < connector.limits.connectionsPerSource ?? .max
            else { return false }
            state.connectors[connector.name] = all + 1
            state.sources[source] = own + 1
            return true
        }
    }

    func leave(_ connector: ReceiveConnector, _ peer: IPAddress) {
        let source = Source(connector: connector.name, peer: peer)
        state.withLock { state in
            state.connectors[connector.name, default: 1] -= 1
            let own = state.sources[source, default: 1] - 1
            state.sources[source] = own == 0 ? nil : own
        }
    }
}
