import Mail
import Net
import Store
import Synchronization

extension Dispatcher {
    /// A worker's life: it carries what is due, keeps its connection a little while for more, and goes.
    func work(for name: String) async {
        let (number, rig) = state.withLock { ($0.nextWorkerNumber(), $0.desk(name)?.rig) }
        if let rig {
            let courier = makeCourier(rig)
            while true {
                var load = takeLoad(for: name, rig)
                if load == nil, courier.isConnected {
                    load = await wait(number, for: name, rig, courier.domain)
                }
                guard let load else { break }
                await carry(load, by: courier, rig)
            }
            await courier.hangUp()
        }
        let now = surroundings.clock()
        decide { state in
            guard let desk = state.desk(name) else { return [] }
            desk.workers -= 1
            return state.dispatch(desk, at: now)
        }
    }

    private func makeCourier(_ rig: Rig) -> Courier {
        let (limits, returnPath) = state.withLock {
            ($0.settings.limits, $0.settings.returnPath)
        }
        var tls: TLSClientContext?
        if case .success(let context) = rig.tls { tls = context }
        var surroundings = surroundings
        if let names = rig.route.nameServers { surroundings.ask(resolvers.resolver(for: names)) }
        return Courier(
            Manners(
                route: rig.route,
                limits: limits,
                // Where the account must be the sender, it is.
                returnPath: rig.route.rewrite == nil ? returnPath : nil,
                tls: tls,
                trust: rig.trust,
                tokens: rig.tokens
            ),
            surroundings: surroundings,
            health: rig.health,
            content: { [store] in ContentFeed(store.content(of: $0)) }
        )
    }

    // MARK: Finding work

    /// Something to carry, or nil when none came in time.
    private func wait(
        _ number: Int,
        for name: String,
        _ rig: Rig,
        _ domain: String?
    ) async -> Load? {
        guard let loop = EventLoop.current else { return nil }
        return await withUnsafeContinuation { continuation in
            let now = surroundings.clock()
            let worker = IdleWorker(
                number: number,
                since: now,
                domain: domain,
                continuation: continuation
            )
            decide { state in
                guard !state.isDraining, let desk = state.desk(name), desk.rig === rig else {
                    return [.dismiss(worker)]
                }
                desk.idle.append(worker)
                if desk.timed.insert(number).inserted {
                    setPatience(of: number, at: name, on: loop, state.settings.limits.idle)
                }
                return state.dispatch(desk, at: now)
            }
        }
    }

    /// One timer a worker, however often it has been idle meanwhile.
    private func setPatience(
        of number: Int,
        at name: String,
        on loop: EventLoop,
        _ patience: Duration
    ) {
        loop.schedule(after: patience) { [weak self] in
            self?.losePatience(number, at: name, on: loop)
        }
    }

    private func losePatience(_ number: Int, at name: String, on loop: EventLoop) {
        let now = surroundings.clock()
        decide { state in
            guard let desk = state.desk(name) else { return [] }
            guard let place = desk.idle.firstIndex(where: { $0.number == number }) else {
                desk.timed.remove(number)
                return []
            }
            let left = desk.idle[place].since + state.settings.limits.idle - now
            guard left > .zero else {
                desk.timed.remove(number)
                return [.dismiss(desk.idle.remove(at: place))]
            }
            setPatience(of: number, at: name, on: loop, left)
            return []
        }
    }

    private func takeLoad(for name: String, _ rig: Rig) -> Load? {
        let now = surroundings.clock()
        var load: Load?
        decide { state in
            load = state.takeLoad(name, rig, at: now)
            // Who has taken something leaves the rest to another.
            guard load != nil, let desk = state.desk(name) else { return [] }
            return state.dispatch(desk, at: now)
        }
        return load
    }

    // MARK: Carrying

    private func carry(_ load: Load, by courier: Courier, _ rig: Rig) async {
        var judgements = load.expired.map { judge().expire($0) }
        var report: AttemptReport?
        for errand in load.errands {
            if rig.route.hop == .capture {
                judgements += errand.recipients.map { judge().capture($0) }
            } else {
                let attempt = await attempt(errand, by: courier, rig)
                judgements += attempt.judgements
                report = attempt.report
            }
        }
        await write(judgements, report, rig, load)
    }

    func judge() -> Judge {
        let (settings, uncertainties, escalating) = state.withLock {
            ($0.settings, $0.uncertainties, $0.escalating)
        }
        return Judge(
            settings: settings,
            uncertainties: uncertainties,
            escalating: escalating,
            now: surroundings.clock(),
            chance: surroundings.chance()
        )
    }

    /// The lease is on its way into the store while the attempt is made, and there before its outcome.
    /// Under `hold` it comes first: then a crash can be told from an attempt that never was.
    private func attempt(
        _ errand: Errand,
        by courier: Courier,
        _ rig: Rig
    ) async -> (judgements: [Judgement], report: AttemptReport?) {
        let keys = errand.recipients.map(\.entry.key)
        let now = surroundings.clock()
        guard state.withLock({ $0.uncertainty(of: errand.first) }) == .hold else {
            store.noteLease(keys)
            let report = await carry(errand, by: courier, rig)
            return (judge().judge(errand, afterRoomFor: report), report)
        }
        guard let refused = await store.leaseIfPossible(keys, at: now) else {
            return (errand.recipients.map { .postponed($0, to: now + .seconds(1)) }, nil)
        }
        let isRefused = { (recipient: QueuedRecipient) in refused.contains(recipient.entry.key) }
        let away = errand.recipients.filter(isRefused).map { Judgement.gone($0) }
        let rest = errand.recipients.filter { !isRefused($0) }
        guard !rest.isEmpty else { return (away, nil) }
        let left = Errand(recipients: rest, fresh: errand.fresh)
        let report = await carry(left, by: courier, rig)
        return (away + judge().judge(left, afterRoomFor: report), report)
    }

    private func carry(
        _ errand: Errand,
        by courier: Courier,
        _ rig: Rig
    ) async -> AttemptReport {
        if case .failure(let error) = rig.tls {
            let reply = HopReply.found("TLS cannot be used: \(error)", "4.7.0")
            return AttemptReport(all: .deferred(reply), of: errand, condition: reply.text)
        }
        let report = await courier.carry(errand)
        if let trouble = report.contentTrouble { log(.contentUnreadable(errand.first.id, trouble)) }
        return report
    }
}

extension MailStore {
    /// The recipients that may not be sent; nil when the store could not say.
    fileprivate func leaseIfPossible(_ keys: [RecipientKey], at now: Timestamp) async
        -> [RecipientKey]?
    {
        do throws(StoreError) {
            return try await lease(keys, at: now)
        } catch {
            return nil
        }
    }
}

extension Judge {
    /// A host that has enough conversations is no trouble of the mail's: it waits a moment, for one of
    /// them to be free.
    fileprivate func judge(_ errand: Errand, afterRoomFor report: AttemptReport) -> [Judgement] {
        guard report.isCrowdedOut else { return judge(errand, report) }
        let wait = Duration.milliseconds(500 + Int64(1000 * chance))
        return errand.recipients.map { .postponed($0, to: now + wait) }
    }
}

extension Judgement {
    /// Not attempted; nothing is written.
    fileprivate static func postponed(_ recipient: QueuedRecipient, to due: Timestamp) -> Judgement
    {
        Judgement(
            recipient: recipient,
            settlement: nil,
            next: recipient.waiting(
                as: recipient.entry.status,
                attempts: recipient.entry.attempts,
                until: due
            )
        )
    }

    /// An operator was quicker.
    fileprivate static func gone(_ recipient: QueuedRecipient) -> Judgement {
        Judgement(recipient: recipient, settlement: nil, next: nil)
    }
}
