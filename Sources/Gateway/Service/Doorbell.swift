import Net
import Synchronization

/// Work for one task at a time, done when somebody rings. Whoever rings meanwhile has it done once more.
final class Doorbell: Sendable {
    /// Answers nil when it is done, or after how long to try again.
    typealias Work = @Sendable () async -> Duration?

    private struct State {
        var work: Work?
        var isAtWork = false
        var isRungAgain = false
    }

    private let loops: EventLoops
    /// Who rings together is heard together.
    private let gathering: Duration
    private let state = Mutex(State())

    init(on loops: EventLoops, gathering: Duration) {
        self.loops = loops
        self.gathering = gathering
    }

    /// From here on it is heard.
    func answer(with work: @escaping Work) {
        state.withLock { $0.work = work }
    }

    func ring() {
        let work = state.withLock { state -> Work? in
            guard let work = state.work else { return nil }
            state.isRungAgain = state.isAtWork
            guard !state.isAtWork else { return nil }
            state.isAtWork = true
            return work
        }
        if let work { loops.next().start { await self.run(work) } }
    }

    private func run(_ work: Work) async {
        var wait = gathering
        while await EventLoop.current?.sleep(for: wait) ?? false {
            let retry = await work()
            if retry == nil, rest() { return }
            wait = retry ?? gathering
        }
    }

    /// False when somebody has rung meanwhile.
    private func rest() -> Bool {
        state.withLock { state in
            defer { state.isRungAgain = false }
            state.isAtWork = state.isRungAgain
            return !state.isRungAgain
        }
    }
}
