import Net
import Store

/// Sees to it that mail does not wait longer than its application allows. What is due stands in the
/// store; this looks there every few seconds, and at once when something has failed.
final class Escalator: Sendable {
    private let loops: EventLoops
    private let bell: Doorbell

    init(on loops: EventLoops) {
        self.loops = loops
        // What fails together is looked at together.
        bell = Doorbell(on: loops, gathering: .milliseconds(200))
    }

    /// From here on there is a desk to hand copies in at.
    func begin(for house: House) {
        bell.answer {
            do throws(StoreError) {
                try await EscalationRound(house).run()
            } catch {
                house.log.warning("mail cannot be escalated", ["reason": "\(error)"])
            }
            return nil
        }
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

    func wake() { bell.ring() }
}
