import Net
import Store
import Synchronization

/// Sees to it that mail does not wait longer than its application allows. What is due stands in the
/// store; this looks there every few seconds, and at once when something has failed.
final class Escalator: Sendable {
    private struct State {
        var house: House?
        var isAtWork = false
        var isAskedAgain = false
    }

    /// What fails together is looked at together.
    private static let gathering = Duration.milliseconds(200)

    private let loops: EventLoops
    private let state = Mutex(State())

    init(on loops: EventLoops) {
        self.loops = loops
    }

    /// From here on there is a desk to hand copies in at.
    func begin(for house: House) {
        state.withLock { $0.house = house }
        loops.next().start { [self] in
            var idle = Duration.zero
            repeat {
                if idle == .zero { wake() }
                idle += .seconds(1)
                if idle >= Self.pause(for: house.directory.applications) { idle = .zero }
            } while await EventLoop.current?.sleep(for: .seconds(1)) ?? false && !house.isDraining
        }
    }

    /// A tenth of the shortest deadline, within reason.
    private static func pause(for applications: [ApplicationRecord]) -> Duration {
        let shortest = applications.compactMap(\.deliverWithin).min()
        return min((shortest ?? .seconds(60)) / 10, .seconds(5))
    }

    func wake() {
        let house = state.withLock { state -> House? in
            guard let house = state.house else { return nil }
            state.isAskedAgain = state.isAtWork
            guard !state.isAtWork else { return nil }
            state.isAtWork = true
            return house
        }
        if let house { loops.next().start { await self.work(for: house) } }
    }

    private func work(for house: House) async {
        repeat {
            guard await EventLoop.current?.sleep(for: Self.gathering) ?? false else { return }
            do throws(StoreError) {
                try await EscalationRound(house).run()
            } catch {
                house.log.warning("mail cannot be escalated", ["reason": "\(error)"])
            }
        } while !rest()
    }

    /// False when somebody has asked meanwhile.
    private func rest() -> Bool {
        state.withLock { state in
            defer { state.isAskedAgain = false }
            state.isAtWork = state.isAskedAgain
            return !state.isAskedAgain
        }
    }
}
