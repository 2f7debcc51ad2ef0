import Glibc
import Synchronization

/// How much may be kept, which an operator may change while the store is open.
final class Limits: Sendable {
    private struct State {
        var storeFloor: Int
        var queuedMessages: Int
        var nextLook: Int64 = 0
        var isLow = false
    }

    private let directory: String
    private let state: Mutex<State>

    init(_ settings: StoreSettings, directory: String) {
        self.directory = directory
        state = Mutex(
            State(storeFloor: settings.storeFloor, queuedMessages: settings.queuedMessages)
        )
    }

    func set(storeFloor: Int, queuedMessages: Int) {
        state.withLock {
            $0 = State(storeFloor: storeFloor, queuedMessages: queuedMessages)
        }
    }

    /// Whether so many more messages may be kept beside those that are unfinished.
    func hasRoom(for messages: Int, beside unfinished: Int) -> Bool {
        state.withLock { state in
            unfinished + messages <= state.queuedMessages && !isBelowFloor(&state)
        }
    }

    /// The free disk, and what of it must stay free; nil where nothing must. Blocks its thread.
    func space() -> (free: UInt64, floor: UInt64)? {
        let floor = state.withLock { $0.storeFloor }
        var facts = statvfs()
        guard floor > 0, statvfs(directory, &facts) == 0 else { return nil }
        return (UInt64(facts.f_bavail) * UInt64(facts.f_frsize), UInt64(floor))
    }

    /// Looks at the free disk at most once a second.
    private func isBelowFloor(_ state: inout State) -> Bool {
        guard state.storeFloor > 0 else { return false }
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC_COARSE, &time)
        let now = Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
        if now < state.nextLook { return state.isLow }
        state.nextLook = now + 1000
        var facts = statvfs()
        guard statvfs(directory, &facts) == 0 else { return state.isLow }
        let free = UInt64(facts.f_bavail) * UInt64(facts.f_frsize)
        state.isLow = free < UInt64(state.storeFloor)
        return state.isLow
    }
}
