import Mail
import Net
import Store

/// What the dispatcher remembers, all of it under one lock. It only decides; what is to be done about
/// it comes back as steps, for after the lock.
struct DispatchState {
    enum Step {
        case start(RouteDesk.Name)
        case give(IdleWorker, Load)
        case dismiss(IdleWorker)
        case wake(at: Timestamp)
        case refill
        case notify(DeliveryNotice)
        case suspend(RouteSuspension)
    }

    var settings: DeliverySettings
    /// Of the applications that differ from the settings.
    var uncertainties: [ApplicationID: DeliverySettings.Uncertainty] = [:]
    /// The applications of whose failures somebody else hears.
    var escalating: Set<ApplicationID> = []
    private(set) var desks: [String: RouteDesk] = [:]
    var bodies = FreshBodies()
    var isStarted = false
    var isDraining = false
    /// Outcomes cannot be written, so nothing more is attempted.
    var isStoreRefusing = false
    /// Set while a walk through the store goes on: the recipients that left the queue since it began.
    var goneDuringRefill: Set<RecipientKey>?
    /// Taken out while an operator's order for them is written.
    var withdrawn: Set<RecipientKey> = []
    var alarm: (at: Timestamp, timer: Timer)?
    /// The newest message that a walk through the store has come across.
    var newestFound = MessageKey(row: 0)
    private var lastWorker = 0

    init(settings: DeliverySettings) { self.settings = settings }

    var workers: Int { desks.values.reduce(0) { $0 + $1.workers } }

    /// Some route's use is counted in the store.
    var hasQuotas: Bool { desks.values.contains { $0.isLimited } }

    func desk(_ name: String) -> RouteDesk? { desks[name] }

    mutating func nextWorkerNumber() -> Int {
        lastWorker += 1
        return lastWorker
    }

    /// Those not named stay, without a route, while mail waits for them.
    mutating func equip(_ routes: [Route]) -> [Step] {
        let named = Dictionary(routes.map { ($0.name, $0) }) { first, _ in first }
        for name in Set(desks.keys).union(named.keys) {
            makeDesk(name).equip(with: named[name])
        }
        return desks.values.flatMap { desk in
            let idle = desk.idle
            desk.idle = []
            return idle.map { Step.dismiss($0) }
        }
    }

    @discardableResult
    mutating func makeDesk(_ name: String) -> RouteDesk {
        if let desk = desks[name] { return desk }
        let desk = RouteDesk(name: name)
        desk.window.isComplete = isStarted && goneDuringRefill == nil
        desks[name] = desk
        return desk
    }
}

extension RouteDesk {
    typealias Name = String
}

// MARK: - In and out of the queue

extension DispatchState {
    /// How many recipients a route may have waiting in memory.
    private var capacity: Int { max(100, settings.window / max(1, desks.count)) }

    mutating func take(_ recipient: QueuedRecipient) -> [Step] {
        let name = recipient.entry.route
        let isNew = desks[name] == nil
        let desk = makeDesk(name)
        if mayHaveGone(recipient, from: desk) {
            desk.window.isComplete = false
            desk.window.hasMissed = true
        } else {
            admit(recipient, at: desk)
        }
        return isNew ? [.notify(.routeUnknown(name))] : []
    }

    /// Kept mail is in the store before its keeper brings it here, and a walk through the store may
    /// have been quicker: then it may be sent already, and only the store can say.
    private func mayHaveGone(_ recipient: QueuedRecipient, from desk: RouteDesk) -> Bool {
        let key = recipient.entry.key
        return key.message <= newestFound && !recipient.isForced && !desk.queue.holds(key)
    }

    /// Where the store holds more than memory, what is due later than all in memory stays there too;
    /// the important is let in always.
    private func admit(_ recipient: QueuedRecipient, at desk: RouteDesk) {
        let capacity = capacity
        let isWelcome =
            desk.window.isComplete || goneDuringRefill != nil || recipient.isForced
            || recipient.entry.due <= desk.window.horizon || recipient.entry.priority <= .high
        guard isWelcome else { return }
        desk.queue.insert(recipient)
        guard desk.queue.waitingCount > capacity + capacity / 4 else { return }
        if let last = desk.queue.shed(to: capacity / 2) {
            desk.window.isComplete = false
            desk.window.hasMissed = true
            desk.window.horizon = last
        }
    }

    mutating func finish(_ judgement: Judgement, wasIgnored: Bool) {
        let key = judgement.recipient.entry.key
        guard let desk = desks[judgement.recipient.entry.route] else { return }
        guard let next = judgement.next, !wasIgnored else {
            goneDuringRefill?.insert(key)
            desk.queue.finish(key)
            return
        }
        // Through the door like everyone, since the window may have moved on.
        if desk.queue.finish(key) { admit(next, at: desk) } else { goneDuringRefill?.insert(key) }
    }

    mutating func forget(_ key: RecipientKey) {
        goneDuringRefill?.insert(key)
        for desk in desks.values { desk.queue.forget(key) }
    }
}

// MARK: - Refilling from the store

extension DispatchState {
    /// Puts a page of the store in. True when no route has room for more.
    mutating func refill(with entries: [QueueEntry]) -> Bool {
        for entry in entries {
            newestFound = max(newestFound, entry.key.message)
            let desk = makeDesk(entry.route)
            guard !desk.window.isComplete, !desk.queue.holds(entry.key),
                goneDuringRefill?.contains(entry.key) != true, !withdrawn.contains(entry.key)
            else { continue }
            if desk.queue.waitingCount < capacity {
                desk.queue.insert(QueuedRecipient(entry))
                desk.window.horizon = max(desk.window.horizon, entry.due)
            } else {
                desk.window.hasMissed = true
            }
        }
        return desks.values.allSatisfy { $0.window.isComplete || $0.window.hasMissed }
    }

    mutating func beginRefill() -> Bool {
        guard goneDuringRefill == nil, !isDraining else { return false }
        goneDuringRefill = []
        for desk in desks.values { desk.window.hasMissed = false }
        return true
    }

    /// `isWhole`: the walk reached the store's end.
    mutating func endRefill(isWhole: Bool) {
        goneDuringRefill = nil
        for desk in desks.values where isWhole && !desk.window.hasMissed {
            desk.window.isComplete = true
        }
    }

    private func needsRefill(_ desk: RouteDesk) -> Bool {
        !desk.window.isComplete && goneDuringRefill == nil && isStarted
            && desk.queue.waitingCount < capacity / 4
    }
}

// MARK: - Who carries what

extension DispatchState {
    /// Gives what is due to idle workers, and asks for another worker where there is more.
    mutating func dispatch(_ desk: RouteDesk, at now: Timestamp) -> [Step] {
        guard isStarted, !isDraining, !isStoreRefusing else { return [] }
        var steps: [Step] = []
        while !desk.idle.isEmpty, let load = desk.takeLoad(at: now, settings, &bodies) {
            steps.append(.give(desk.takeIdle(for: load), load))
        }
        if let turn = desk.nextTurn(at: now) {
            if turn > now {
                steps.append(.wake(at: turn))
            } else if desk.idle.isEmpty, desk.workers < desk.mostWorkers {
                desk.workers += 1
                steps.append(.start(desk.name))
            }
        }
        if needsRefill(desk) { steps.append(.refill) }
        return steps
    }

    mutating func dispatchAll(at now: Timestamp) -> [Step] {
        desks.values.flatMap { dispatch($0, at: now) }
    }

    /// What a worker of that rig carries next.
    mutating func takeLoad(_ name: String, _ rig: Rig, at now: Timestamp) -> Load? {
        guard isStarted, !isDraining, !isStoreRefusing, let desk = desks[name], desk.rig === rig
        else { return nil }
        return desk.takeLoad(at: now, settings, &bodies)
    }

    mutating func dismissIdle() -> [Step] {
        desks.values.flatMap { desk in
            defer { desk.idle = [] }
            return desk.idle.map { Step.dismiss($0) }
        }
    }
}
