import CLinux
import Glibc
import Synchronization

/// One thread that waits for sockets and runs the tasks that use them. Everything that a connection
/// does happens on its loop's thread, so nothing of it is locked.
package final class EventLoop: TaskExecutor, @unchecked Sendable {
    // Unchecked: what is not Sendable below is touched on the loop's own thread only.
    private let poller: Descriptor
    private let bell: Descriptor
    private let inbox = Mutex(Inbox())
    private let isAsleep = Atomic(false)
    let connections = Atomic(0)
    let accepted = Atomic(0)
    private let liveTasks = Atomic(0)

    /// Lent to whoever receives, for the length of one call: an idle connection holds no buffer.
    let scratch = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 64 * 1_024)
    private(set) lazy var tlsWorkspace = TLSWorkspace()
    var alarms = AlarmHeap()
    private(set) var isDraining = false
    private(set) var isStopping = false
    private var giveUpAt = Instant.never
    private var watches: [Watch?] = []
    private var generation: UInt32 = 0
    private var jobs: [UnownedJob] = []
    private var running: [UnownedJob] = []
    private let thread = Mutex<pthread_t?>(nil)

    private struct Inbox {
        var jobs: [UnownedJob] = []
        var errands: [@Sendable () -> Void] = []
        var isClosed = false
    }

    init(name: String) {
        poller = Descriptor(owning: epoll_create1(Int32(EPOLL_CLOEXEC)))
        bell = Descriptor(owning: eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK)))
        precondition(poller.number >= 0 && bell.number >= 0, "no descriptors for an event loop")
        // Edge-triggered: every ring is an edge of its own, so the counter is never read.
        add(bell.number, generation: 0, events: EPOLLIN.rawValue | EPOLLET.rawValue)
        spawn(name: name)
    }

    deinit { scratch.deallocate() }

    // MARK: Tasks

    /// The loop on whose thread this runs.
    package static var current: EventLoop? {
        guard let pointer = pthread_getspecific(currentKey) else { return nil }
        return Unmanaged<EventLoop>.fromOpaque(pointer).takeUnretainedValue()
    }

    package var isCurrent: Bool {
        pthread_getspecific(EventLoop.currentKey) == Unmanaged.passUnretained(self).toOpaque()
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if isCurrent { jobs.append(job) } else { post { $0.jobs.append(job) } }
    }

    /// Starts a task that lives on this loop.
    package func start(_ operation: sending @escaping () async -> Void) {
        liveTasks.add(1, ordering: .relaxed)
        Task(executorPreference: self) { [self] in
            await operation()
            liveTasks.subtract(1, ordering: .relaxed)
        }
    }

    /// Runs the operation on this loop and waits for its answer, from wherever the caller is.
    package func run<R: Sendable>(_ operation: sending @escaping () async -> R) async -> R {
        await Task(executorPreference: self) { await operation() }.value
    }

    // MARK: Time

    /// False when the loop shuts down before the time is over: whoever sleeps in a circle leaves it then.
    @discardableResult
    package func sleep(for duration: Duration) async -> Bool {
        let due = Instant.now + duration
        return await withUnsafeContinuation { continuation in
            perform { [self] in
                guard !isStopping else { return continuation.resume(returning: false) }
                alarms.set(Sleeper(continuation), for: due)
            }
        }
    }

    /// Does the work on this loop later, unless the timer is cancelled first.
    @discardableResult
    package func schedule(after delay: Duration, _ work: @escaping @Sendable () -> Void) -> Timer {
        let due = Instant.now + delay
        let delayed = DelayedWork(work)
        perform { [self] in
            if !isStopping, delayed.isWanted { alarms.set(delayed, for: due) }
        }
        return Timer(loop: self, delayed: delayed)
    }

    /// At once when already on the loop's thread, else as soon as the loop gets to it. Not at all
    /// once the loop has ended.
    package func perform(_ errand: @escaping @Sendable () -> Void) {
        if isCurrent { errand() } else { post { $0.errands.append(errand) } }
    }

    private func post(_ change: (inout Inbox) -> Void) {
        let isOpen = inbox.withLock { inbox in
            if !inbox.isClosed { change(&inbox) }
            return !inbox.isClosed
        }
        // The loop stores true before it looks into the inbox for the last time, so one of both sees.
        if isOpen, isAsleep.exchange(false, ordering: .sequentiallyConsistent) {
            eventfd_write(bell.number, 1)
        }
    }
}

// MARK: - Descriptors

extension EventLoop {
    /// From now on the loop tells the watch what happens to the descriptor. On the loop's thread.
    func watch(_ number: Int32) -> Watch {
        precondition(isCurrent, "a socket belongs to one loop's thread")
        generation &+= 1
        let watch = Watch(number, generation: generation, on: self)
        let place = Int(number)
        if place >= watches.count {
            watches.append(contentsOf: repeatElement(nil, count: place + 1 - watches.count))
        }
        watches[place] = watch
        add(
            number,
            generation: generation,
            events: EPOLLIN.rawValue | EPOLLOUT.rawValue | EPOLLRDHUP.rawValue | EPOLLET.rawValue
        )
        return watch
    }

    /// Closing the descriptor takes it out of epoll; the table may already hold its successor.
    func forget(_ watch: Watch) {
        alarms.remove(watch)
        let place = Int(watch.number)
        if watches[place] === watch { watches[place] = nil }
    }

    private func add(_ number: Int32, generation: UInt32, events: UInt32) {
        var event = epoll_event()
        event.events = events
        event.data.u64 = UInt64(generation) << 32 | UInt64(UInt32(bitPattern: number))
        let result = epoll_ctl(poller.number, EPOLL_CTL_ADD, number, &event)
        precondition(result == 0, "epoll: \(systemErrorText(errno))")
    }

    private func deliver(_ event: epoll_event) {
        let place = Int(UInt32(truncatingIfNeeded: event.data.u64))
        // An event for a descriptor that was closed, and perhaps opened again, is stale.
        guard place < watches.count, let watch = watches[place],
            watch.generation == UInt32(truncatingIfNeeded: event.data.u64 >> 32)
        else { return }
        let end = EPOLLRDHUP.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue
        if event.events & (EPOLLIN.rawValue | end) != 0 {
            watch.becomeReadable(ended: event.events & end != 0)
        }
        if event.events & (EPOLLOUT.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 {
            watch.becomeWritable()
        }
    }
}

// MARK: - The thread

extension EventLoop {
    private static let currentKey: pthread_key_t = {
        var key = pthread_key_t()
        pthread_key_create(&key, nil)
        return key
    }()

    private func spawn(name: String) {
        var created = pthread_t()
        let result = pthread_create(
            &created,
            nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<EventLoop>.fromOpaque(argument).takeRetainedValue().live()
                return nil
            },
            Unmanaged.passRetained(self).toOpaque()
        )
        precondition(result == 0, "no thread for an event loop")
        pthread_setname_np(created, name)
        thread.withLock { $0 = created }
    }

    private func live() {
        pthread_setspecific(EventLoop.currentKey, Unmanaged.passUnretained(self).toOpaque())
        let events = UnsafeMutableBufferPointer<epoll_event>.allocate(capacity: 256)
        defer { events.deallocate() }
        while !isOver {
            let isIdle = jobs.isEmpty && prepareToSleep()
            let count = epoll_wait(
                poller.number,
                events.baseAddress,
                Int32(events.count),
                isIdle ? patience : 0
            )
            isAsleep.store(false, ordering: .relaxed)
            for index in 0..<max(0, Int(count)) { deliver(events[index]) }
            ringAlarms()
            takeInbox()
            runJobs()
        }
        inbox.withLock { $0 = Inbox(isClosed: true) }
        // A watch holds its loop, and no errand will take the last ones out any more.
        watches = []
    }

    /// Says that the loop sleeps, unless something has come in the meantime.
    private func prepareToSleep() -> Bool {
        isAsleep.store(true, ordering: .sequentiallyConsistent)
        return inbox.withLock { $0.jobs.isEmpty && $0.errands.isEmpty }
    }

    /// How long epoll may wait, in milliseconds rounded up, so that no alarm rings early.
    private var patience: Int32 {
        let next = alarms.next
        guard next != .never || isStopping else { return -1 }
        let left = max(0, next.nanoseconds - Instant.now.nanoseconds)
        return Int32(clamping: min(isStopping ? 5 : .max, (left + 999_999) / 1_000_000))
    }

    private func ringAlarms() {
        guard alarms.next != .never else { return }
        let now = Instant.now
        while let alarm = alarms.takeDue(at: now) { alarm.ring() }
    }

    private func takeInbox() {
        let taken = inbox.withLock { inbox -> Inbox? in
            guard !inbox.jobs.isEmpty || !inbox.errands.isEmpty else { return nil }
            defer { inbox = Inbox() }
            return inbox
        }
        guard let taken else { return }
        jobs.append(contentsOf: taken.jobs)
        for errand in taken.errands { errand() }
    }

    /// A few rounds, since jobs beget jobs; then the sockets have their turn again.
    private func runJobs() {
        for _ in 0..<8 where !jobs.isEmpty {
            swap(&jobs, &running)
            for index in running.indices {
                running[index].runSynchronously(on: asUnownedTaskExecutor())
            }
            running.removeAll(keepingCapacity: true)
        }
    }

    private var isOver: Bool {
        guard isStopping, jobs.isEmpty else { return false }
        return liveTasks.load(ordering: .relaxed) == 0 || giveUpAt <= .now
    }
}

// MARK: - Farewell

extension EventLoop {
    /// Wakes the idle waits, now and from now on.
    func drain() {
        perform { [self] in
            isDraining = true
            for watch in watches { watch?.drain() }
        }
    }

    /// From now on every wait ends at once; the thread ends when its tasks have, or after the grace.
    func stop(grace: Duration) {
        perform { [self] in
            guard !isStopping else { return }
            isStopping = true
            giveUpAt = .now + grace
            for alarm in alarms.takeAll() { alarm.dismiss() }
            for watch in watches { watch?.dismiss() }
        }
    }

    /// Waits for the thread's end. Not from a loop's thread.
    func join() {
        precondition(EventLoop.current == nil, "an event loop cannot wait for its own end")
        let thread = thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        if let thread { pthread_join(thread, nil) }
    }
}
