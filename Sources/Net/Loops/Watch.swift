/// Why a wait for a descriptor ended.
enum Wake: Sendable {
    case ready
    case timedOut
    case draining
    case closed
}

/// A descriptor as its loop sees it: registered once, edge-triggered, with at most one waiter a
/// direction. Deadlines are data here; one alarm, set for the earliest and moved only when it rings,
/// finds those that passed.
final class Watch: Alarm, @unchecked Sendable {
    // Unchecked: all state is touched on the loop's own thread.
    enum Direction {
        case reading
        case writing
    }

    private struct Waiter {
        let continuation: UnsafeContinuation<Wake, Never>
        let deadline: Instant
        let isIdle: Bool
    }

    let loop: EventLoop
    let number: Int32
    let generation: UInt32
    /// False once a system call said so; true again at the next edge.
    var isReadable = true
    var isWritable = true
    /// The peer has ended: a short read no longer means that nothing is left.
    var hasEnded = false
    private(set) var isClosed = false
    private var reader: Waiter?
    private var writer: Waiter?

    init(_ number: Int32, generation: UInt32, on loop: EventLoop) {
        self.loop = loop
        self.number = number
        self.generation = generation
    }

    /// Suspends until an edge, the deadline, a drain (when idle) or the end. The caller has tried
    /// its system call on this same thread, so no edge can be missed.
    func wait(
        for direction: Direction,
        until deadline: Instant,
        idle isIdle: Bool = false
    ) async -> Wake {
        if isClosed || loop.isStopping { return .closed }
        if isIdle && loop.isDraining { return .draining }
        return await withUnsafeContinuation { continuation in
            let waiter = Waiter(continuation: continuation, deadline: deadline, isIdle: isIdle)
            switch direction {
            case .reading:
                precondition(reader == nil, "two tasks read one connection")
                reader = waiter
            case .writing:
                precondition(writer == nil, "two tasks write one connection")
                writer = waiter
            }
            if !isSet || deadline < due { loop.alarms.set(self, for: deadline) }
        }
    }

    func becomeReadable(ended: Bool) {
        isReadable = true
        if ended { hasEnded = true }
        wakeReader(.ready)
    }

    func becomeWritable() {
        isWritable = true
        wakeWriter(.ready)
    }

    func drain() {
        if let reader, reader.isIdle { wakeReader(.draining) }
    }

    /// The descriptor is gone, or about to go: waiters are resumed, the loop forgets it.
    func close() {
        guard !isClosed else { return }
        isClosed = true
        loop.forget(self)
        wakeReader(.closed)
        wakeWriter(.closed)
    }

    override func ring() {
        let now = Instant.now
        if let reader, reader.deadline <= now { wakeReader(.timedOut) }
        if let writer, writer.deadline <= now { wakeWriter(.timedOut) }
        let next = min(reader?.deadline ?? .never, writer?.deadline ?? .never)
        if next != .never { loop.alarms.set(self, for: next) }
    }

    override func dismiss() {
        wakeReader(.closed)
        wakeWriter(.closed)
    }

    private func wakeReader(_ wake: Wake) {
        guard let waiter = reader else { return }
        reader = nil
        waiter.continuation.resume(returning: wake)
    }

    private func wakeWriter(_ wake: Wake) {
        guard let waiter = writer else { return }
        writer = nil
        waiter.continuation.resume(returning: wake)
    }
}
