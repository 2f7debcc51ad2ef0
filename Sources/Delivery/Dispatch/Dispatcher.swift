import Mail
package import Net
package import Store
import Synchronization

/// Sees to it that kept mail reaches its next hops: when, over which connection, and what is written
/// about it. It holds what is due soon in memory and starts a worker where there is something to
/// carry; nobody polls.
package final class Dispatcher: Sendable {
    let store: MailStore
    let loops: EventLoops
    let surroundings: Surroundings
    let resolvers = ResolverShelf()
    let log: @Sendable (DeliveryNotice) -> Void
    /// Hears what is written about recipients, right after it is.
    let onSettled: @Sendable ([SettledRecipient]) -> Void
    let state: Mutex<DispatchState>
    /// Routes are suspended and resumed one after the other, so that memory and store agree in the end.
    let suspending = Turnstile()

    package init(
        store: MailStore,
        loops: EventLoops,
        routes: [Route],
        settings: DeliverySettings,
        surroundings: Surroundings,
        log: @escaping @Sendable (DeliveryNotice) -> Void = { _ in },
        onSettled: @escaping @Sendable ([SettledRecipient]) -> Void = { _ in }
    ) {
        self.store = store
        self.loops = loops
        self.surroundings = surroundings
        self.log = log
        self.onSettled = onSettled
        state = Mutex(DispatchState(settings: settings))
        state.withLock { _ = $0.equip(routes) }
    }

    /// Recovers what was being sent when the process ended, fills the queue from the store and starts
    /// working. Call it once, before the doors open.
    package func start() async throws(StoreError) {
        let holds = state.withLock { $0.settings.uncertain == .hold }
        let count = try await store.recover(holdUncertain: holds, at: surroundings.clock())
        if count > 0 { log(.recovered(count)) }
        try await recallSuspensions()
        try await recallQuota()
        decide { state in
            state.isStarted = true
            return []
        }
        try await fill()
        scheduleTidying()
        scheduleExpiring()
    }

    /// Takes recipients that a `keep` has committed. `fresh`: their message's content, when they are
    /// all of one message and it is small.
    package func take(_ entries: [QueueEntry], fresh: [UInt8]? = nil) {
        guard let first = entries.first else { return }
        let now = surroundings.clock()
        decide { state in
            if let fresh, first.due <= now {
                state.bodies.insert(fresh, of: first.key.message, uses: entries.count)
            }
            return Self.enqueue(entries.map { QueuedRecipient($0) }, in: &state, at: now)
        }
    }

    /// An operator has canceled or held them: they are not attempted any more. An attempt that is
    /// under way goes on, and its outcome is written only where the store still wants it.
    package func forget(_ keys: [RecipientKey]) {
        decide { state in
            for key in keys { state.forget(key) }
            return []
        }
    }

    /// An operator wants them sent: at least one attempt is made whatever their age, and routes that
    /// rest are tried at once.
    package func requeue(_ entries: [QueueEntry]) {
        let now = surroundings.clock()
        decide { state in
            for name in Set(entries.map(\.route)) { state.desk(name)?.wake() }
            let recipients = entries.map { QueuedRecipient($0, isForced: true) }
            return Self.enqueue(recipients, in: &state, at: now)
        }
    }

    /// Puts a new configuration in place. Attempts under way end as they began.
    package func replace(routes: [Route], settings: DeliverySettings) {
        let now = surroundings.clock()
        decide { state in
            state.settings = settings
            return state.equip(routes) + state.dispatchAll(at: now)
        }
    }

    /// Begins nothing more and waits for what is under way, at most so long. What has not ended by then
    /// is `sending` in the store, and recovered at the next start.
    package func drain(within limit: Duration) async {
        decide { state in
            state.isDraining = true
            state.alarm?.timer.cancel()
            return state.dismissIdle()
        }
        let end = ContinuousClock.now + limit
        while state.withLock({ $0.workers }) > 0, ContinuousClock.now < end {
            do { try await Task.sleep(for: .milliseconds(5)) } catch { return }
        }
    }

    package func snapshot() -> [RouteState] {
        let now = surroundings.clock()
        return state.withLock { state in
            state.desks.values.map { $0.state(at: now) }.sorted { $0.name < $1.name }
        }
    }

    static func enqueue(
        _ recipients: [QueuedRecipient],
        in state: inout DispatchState,
        at now: Timestamp
    ) -> [DispatchState.Step] {
        var steps: [DispatchState.Step] = []
        var last: RouteDesk?
        for recipient in recipients {
            steps += state.take(recipient)
            if let last, last.name != recipient.entry.route {
                steps += state.dispatch(last, at: now)
            }
            last = state.desk(recipient.entry.route)
        }
        if let last { steps += state.dispatch(last, at: now) }
        return steps
    }
}

// MARK: - Doing what was decided

extension Dispatcher {
    func decide(_ decision: (inout DispatchState) -> [DispatchState.Step]) {
        perform(state.withLock { decision(&$0) })
    }

    private func perform(_ steps: [DispatchState.Step]) {
        for step in steps {
            switch step {
            case .start(let name): loops.next().start { [self] in await work(for: name) }
            case .give(let worker, let load): worker.continuation.resume(returning: load)
            case .dismiss(let worker): worker.continuation.resume(returning: nil)
            case .wake(let moment): setAlarm(for: moment)
            case .refill: loops.next().start { [self] in await refill() }
            case .notify(let notice): log(notice)
            case .suspend(let suspension):
                loops.next().start { [self] in await suspendForUpstream(suspension) }
            }
        }
    }

    /// One timer for all routes, set for the earliest moment that somebody asked for.
    private func setAlarm(for moment: Timestamp) {
        let wait = max(.zero, moment - surroundings.clock()) + .milliseconds(1)
        state.withLock { state in
            if let alarm = state.alarm {
                guard moment < alarm.at else { return }
                alarm.timer.cancel()
            }
            let timer = loops.all[0].schedule(after: wait) { [weak self] in self?.ring() }
            state.alarm = (moment, timer)
        }
    }

    private func ring() {
        let now = surroundings.clock()
        decide { state in
            state.alarm = nil
            return state.dispatchAll(at: now)
        }
    }
}
