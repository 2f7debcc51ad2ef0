import Glibc
import Synchronization

/// The process's event loops. Their threads live until `shutDown()`.
package final class EventLoops: Sendable {
    package let all: [EventLoop]
    private let turn = Atomic(0)

    package init(count: Int) {
        all = (0..<max(1, count)).map { EventLoop(name: "loop \($0)") }
    }

    package func next() -> EventLoop {
        let turn = turn.wrappingAdd(1, ordering: .relaxed).oldValue
        return all[Int(UInt(bitPattern: turn) % UInt(all.count))]
    }

    /// The loop with the fewest connections; among equals each in its turn.
    func leastBusy() -> EventLoop {
        var best = next()
        for loop in all where loop.load < best.load { best = loop }
        return best
    }

    /// Open connections, in both directions.
    package var connectionCount: Int { all.reduce(0) { $0 + $1.load } }
    /// Open connections that a listener accepted.
    package var acceptedCount: Int {
        all.reduce(0) { $0 + $1.accepted.load(ordering: .relaxed) }
    }

    /// Ends the idle waits, now and from now on, with `.draining`; work under way goes on.
    package func drain() {
        for loop in all { loop.drain() }
    }

    /// Ends every wait and every sleep, lets the tasks run to their ends, and joins the threads.
    /// Tasks that have not ended after the grace are abandoned where they are.
    package func shutDown(grace: Duration = .seconds(5)) {
        for loop in all { loop.stop(grace: grace) }
        for loop in all { loop.join() }
    }
}

extension EventLoop {
    var load: Int { connections.load(ordering: .relaxed) }

    func countOpened(accepted isAccepted: Bool) {
        connections.add(1, ordering: .relaxed)
        if isAccepted { accepted.add(1, ordering: .relaxed) }
    }

    func countClosed(accepted isAccepted: Bool) {
        connections.subtract(1, ordering: .relaxed)
        if isAccepted { accepted.subtract(1, ordering: .relaxed) }
    }
}
