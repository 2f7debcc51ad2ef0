import Mail
import Net
import Store
import Synchronization

extension Dispatcher {
    /// Writes what became of an attempt, and only then lets the queue go on: after a crash at most one
    /// transaction of each connection is sent twice.
    func write(
        _ judgements: [Judgement],
        _ report: AttemptReport?,
        _ rig: Rig,
        _ load: Load
    ) async {
        let settlements = judgements.compactMap(\.settlement)
        let ignored = settlements.isEmpty ? [] : await settle(settlements)
        let now = surroundings.clock()
        var uses: [QuotaUse] = []
        decide { state in
            guard let ignored else { return [] }
            for judgement in judgements {
                let key = judgement.recipient.entry.key
                state.finish(judgement, wasIgnored: ignored.contains(key))
            }
            guard let desk = state.desk(rig.route.name) else { return [] }
            uses = desk.end(
                load,
                sent: judgements.count(where: \.isSent),
                wasOffered: report?.hasReachedHop ?? false,
                at: now
            )
            return desk.note(report, judgements, rig, at: now) + state.dispatch(desk, at: now)
        }
        if !uses.isEmpty { store.note(uses, of: rig.route.name) }
        if let ignored { tell(judgements, except: ignored) }
    }

    /// Writes that they were not delivered in time.
    func expire(_ recipients: [QueuedRecipient]) async {
        guard !recipients.isEmpty else { return }
        let judgements = recipients.map { judge().expire($0) }
        guard let ignored = await settle(judgements.compactMap(\.settlement)) else { return }
        decide { state in
            for judgement in judgements { state.finish(judgement, wasIgnored: false) }
            return []
        }
        tell(judgements, except: ignored)
    }

    private func tell(_ judgements: [Judgement], except ignored: Set<RecipientKey>) {
        let settled = judgements.compactMap { judgement -> SettledRecipient? in
            guard let settlement = judgement.settlement, !ignored.contains(settlement.key)
            else { return nil }
            return SettledRecipient(settlement, judgement.recipient.entry)
        }
        if !settled.isEmpty { onSettled(settled) }
    }

    /// The recipients whose status stayed as it was; nil when the process ended before anything could
    /// be written. Until then it is tried: what is not written would be sent again.
    private func settle(_ settlements: [Settlement]) async -> Set<RecipientKey>? {
        var hasFailed = false
        while true {
            do throws(StoreError) {
                let ignored = try await store.settle(settlements)
                if hasFailed { noteStore(refuses: nil) }
                return Set(ignored)
            } catch {
                if !hasFailed { noteStore(refuses: "\(error)") }
                hasFailed = true
            }
            let isOver = state.withLock { $0.isDraining }
            guard !isOver, let loop = EventLoop.current, await loop.sleep(for: .seconds(1))
            else { return nil }
        }
    }

    private func noteStore(refuses reason: String?) {
        let now = surroundings.clock()
        decide { state in
            let wasRefusing = state.isStoreRefusing
            state.isStoreRefusing = reason != nil
            if let reason { return wasRefusing ? [] : [.notify(.storeRefuses(reason))] }
            guard wasRefusing else { return [] }
            return [.notify(.storeTakesAgain)] + state.dispatchAll(at: now)
        }
    }
}

extension RouteDesk {
    /// What an attempt says about the route itself.
    fileprivate func note(
        _ report: AttemptReport?,
        _ judgements: [Judgement],
        _ rig: Rig,
        at now: Timestamp
    ) -> [DispatchState.Step] {
        if judgements.contains(where: { $0.settlement?.status.isSuccess == true }) {
            lastSuccess = now
        }
        guard let report, self.rig === rig else { return [] }
        if let domain = judgements.first?.recipient.entry.mailbox.domain {
            learn(from: report, for: domain)
        }
        if let condition = report.condition {
            lastError = (condition, now)
            let wasResting = rest.isResting(at: now)
            rest.begin(because: condition, at: now, end: report.restUntil, report.trouble?.wait)
            guard !wasResting, let until = rest.until else { return [] }
            guard let trouble = report.trouble, trouble.suspends else {
                return [.notify(.routeRests(name, reason: condition, until: until))]
            }
            return [
                .suspend(
                    RouteSuspension(
                        route: name,
                        reason: condition,
                        by: RouteSuspension.upstream,
                        since: now,
                        until: until
                    )
                )
            ]
        }
        if let text = report.outcomes.lazy.compactMap(\.trouble).first { lastError = (text, now) }
        guard report.hasReachedHop, rest.isOnTrial else { return [] }
        rest.end()
        return [.notify(.routeRecovered(name))]
    }

    /// Ends a rest, and lets dead hosts be tried.
    func wake() {
        rest.end()
        rig?.health.reset()
    }
}

extension Judgement {
    /// The next hop has it, or may have it.
    fileprivate var isSent: Bool {
        guard let status = settlement?.status else { return false }
        return status.isSuccess || status == .uncertain
    }
}

extension RecipientStatus {
    fileprivate var isSuccess: Bool { self == .relayed || self == .delivered }
}

extension Outcome {
    fileprivate var trouble: String? {
        if case .relayed = self { nil } else { reply?.words }
    }
}

extension SettledRecipient {
    init(_ settlement: Settlement, _ entry: QueueEntry) {
        self.init(
            id: entry.id,
            key: settlement.key,
            mailbox: entry.mailbox,
            route: settlement.route,
            status: settlement.status,
            attempts: settlement.attempts,
            nextAttemptAt: settlement.due,
            reply: settlement.reply,
            earnsReport: settlement.report != nil,
            escalates: settlement.escalates
        )
    }
}
