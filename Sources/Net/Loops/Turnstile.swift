import Synchronization

/// Lets one in at a time, in the order in which they came.
package final class Turnstile: Sendable {
    private struct State {
        var isOccupied = false
        var line: [UnsafeContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    package init() {}

    package func enter() async {
        await withUnsafeContinuation { continuation in
            let isFree = state.withLock { state in
                defer { state.isOccupied = true }
                if state.isOccupied { state.line.append(continuation) }
                return !state.isOccupied
            }
            if isFree { continuation.resume() }
        }
    }

    package func leave() {
        let next = state.withLock { state -> UnsafeContinuation<Void, Never>? in
            guard !state.line.isEmpty else {
                state.isOccupied = false
                return nil
            }
            return state.line.removeFirst()
        }
        next?.resume()
    }
}
