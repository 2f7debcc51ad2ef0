import Mail
import Net
import Store
import Synchronization

/// Requests that wait for a message's end (`Prefer: wait`).
final class Waiting: Sendable {
    private struct Waiter {
        let number: Int
        let continuation: UnsafeContinuation<Bool, Never>
    }

    private struct State {
        var waiters: [MessageID: [Waiter]] = [:]
        var next = 0
    }

    private let state = Mutex(State())
    private let store: MailStore

    init(_ store: MailStore) {
        self.store = store
    }

    /// What the store says: the message may be done before anyone waits.
    private func isFinal(_ id: MessageID) async -> Bool {
        guard let record = try? await store.message(id) else { return true }
        return record.recipients.allSatisfy(\.isSettled)
    }

    /// True when every recipient came to a final state within the time.
    func untilFinal(_ id: MessageID, within limit: Duration) async -> Bool {
        guard limit > .zero, let loop = EventLoop.current else { return await isFinal(id) }
        let deadline = ContinuousClock.now + limit
        while ContinuousClock.now < deadline {
            let number = state.withLock { state in
                state.next += 1
                return state.next
            }
            if await isFinal(id) { return true }
            // Between the look and the wait a settlement may come; the look is repeated soon then.
            let rest = min(deadline - .now, .milliseconds(500))
            let timer = loop.schedule(after: rest) { [self] in wake(id, number) }
            _ = await withUnsafeContinuation { continuation in
                state.withLock {
                    $0.waiters[id, default: []].append(
                        .init(number: number, continuation: continuation)
                    )
                }
            }
            timer.cancel()
        }
        return await isFinal(id)
    }

    private func wake(_ id: MessageID, _ number: Int) {
        let waiters = state.withLock { state -> [Waiter] in
            let all = state.waiters[id] ?? []
            let rest = all.filter { $0.number != number }
            state.waiters[id] = rest.isEmpty ? nil : rest
            return all.filter { $0.number == number }
        }
        for waiter in waiters { waiter.continuation.resume(returning: false) }
    }

    /// Something about the message was settled.
    func settled(_ id: MessageID) {
        let waiters = state.withLock { $0.waiters.removeValue(forKey: id) ?? [] }
        for waiter in waiters { waiter.continuation.resume(returning: true) }
    }
}
