/// Work that a loop will do later, unless it is cancelled first. When the loop shuts down it is not done.
package struct Timer: Sendable {
    let loop: EventLoop
    let delayed: DelayedWork

    /// From any thread. On the loop's own thread the work is certain not to be done any more.
    package func cancel() {
        loop.perform { [self] in
            delayed.dismiss()
            loop.alarms.remove(delayed)
        }
    }
}

final class DelayedWork: Alarm, @unchecked Sendable {
    // Unchecked: touched on the loop's own thread only.
    private var work: (@Sendable () -> Void)?

    init(_ work: @escaping @Sendable () -> Void) { self.work = work }

    var isWanted: Bool { work != nil }

    override func ring() {
        let work = work.take()
        work?()
    }

    override func dismiss() { work = nil }
}

/// A task that sleeps.
final class Sleeper: Alarm {
    private var continuation: UnsafeContinuation<Bool, Never>?

    init(_ continuation: UnsafeContinuation<Bool, Never>) { self.continuation = continuation }

    override func ring() { wake(true) }
    override func dismiss() { wake(false) }

    private func wake(_ hasSleptEnough: Bool) {
        continuation.take()?.resume(returning: hasSleptEnough)
    }
}
