import Mail
import Net
import Store

/// What a configured route brings along; another one when the configuration changes.
final class Rig: Sendable {
    let route: Route
    let tls: Result<TLSClientContext?, StreamError>
    let trust: TrustShelf?
    let health = HealthBook()
    let tokens: TokenBroker?

    init(_ route: Route) {
        self.route = route
        trust = TrustShelf(route)
        tokens = route.credentials.flatMap { credentials in
            if case .token(let source) = credentials.secret { TokenBroker(source) } else { nil }
        }
        do throws(StreamError) {
            tls = .success(try route.tlsContext())
        } catch {
            tls = .failure(error)
        }
    }
}

/// What a worker is given to do.
struct Load: Sendable {
    var errands: [Errand] = []
    /// Its lane, for the shares of the lanes.
    var lane = 0
    /// Too old to be tried.
    var expired: [QueuedRecipient] = []

    /// Of all recipients.
    var count: Int { errands.reduce(expired.count) { $0 + $1.recipients.count } }
    var isEmpty: Bool { errands.isEmpty && expired.isEmpty }
}

/// A worker with a connection and nothing to carry.
struct IdleWorker: Sendable {
    /// The worker's own, for all its life.
    let number: Int
    let since: Timestamp
    /// The domain at whose exchanger its connection ends; nil where that takes all mail.
    let domain: String?
    let continuation: UnsafeContinuation<Load?, Never>
}

/// All that is known of one route. Used under the dispatcher's lock.
final class RouteDesk {
    let name: String
    /// Nil while no such route is configured.
    private(set) var rig: Rig?
    var queue = RouteQueue()
    private var quota = RouteQuota()
    var rest = RouteRest()
    /// How many conversations the next hops are trusted with.
    var breadth = ConcurrencyWindow(most: 1)
    /// Nil while the route may carry mail.
    var suspension: RouteSuspension?
    var isSuspended: Bool { suspension != nil }
    var workers = 0
    /// Workers that are carrying something.
    var busy = 0
    /// The same by lane.
    private var busyLanes = LaneShare.Use()
    var idle: [IdleWorker] = []
    /// The workers for whose patience a timer is set.
    var timed: Set<Int> = []
    var window = Window()
    var lastError: (text: String, at: Timestamp)?
    var lastSuccess: Timestamp?

    /// Which of its mail is in memory.
    struct Window {
        /// True when the store holds nothing more.
        var isComplete = true
        /// Where incomplete, all that is due up to here is in memory.
        var horizon = Timestamp(milliseconds: .min)
        /// While a walk through the store goes on: something was left out.
        var hasMissed = false
    }

    init(name: String) { self.name = name }

    /// A route that has changed forgets its rest and its connections; what it sent still counts.
    func equip(with route: Route?) {
        guard route != rig?.route else { return }
        rig = route.map { Rig($0) }
        quota.adopt(route?.limits)
        rest.end()
        let most = max(1, route?.limits.connections ?? 1)
        // What is captured strains nobody, and domains have windows of their own.
        let isSmart = route?.hop.isSmart ?? false
        breadth = ConcurrencyWindow(most: most, first: isSmart ? ConcurrencyWindow.first : most)
        queue.shares.most = most
        queue.rejoin()
    }

    /// As many workers as may be at work now.
    var mostWorkers: Int {
        guard rig != nil, !isSuspended else { return 0 }
        return rest.isOnTrial ? 1 : breadth.size
    }

    /// The moment from which there is something to carry and nothing in its way; nil when none is
    /// known.
    func nextTurn(at now: Timestamp) -> Timestamp? {
        guard rig != nil, !isSuspended, var turn = nextUnhindered(at: now) else { return nil }
        if let until = rest.until { turn = max(turn, until) }
        return turn
    }

    /// As far as the lanes' shares go.
    private func nextUnhindered(at now: Timestamp) -> Timestamp? {
        guard hasShares else { return queue.nextDue() }
        quota.forget(at: now)
        let (busy, most, quota) = (busyLanes, mostWorkers, quota)
        return queue.nextTurn { lane in
            guard LaneShare.room(for: lane, beside: busy, of: most, .connections) > 0 else {
                return nil
            }
            return quota.nextRoom(for: lane, at: now)
        }
    }

    /// Lanes contend for something: what is captured is taken as it comes.
    private var hasShares: Bool { quota.isLimited || (busy > 0 && rig?.route.hop != .capture) }

    /// How many recipients each lane may have carried now.
    private func room(for lane: Int) -> Int {
        guard hasShares else { return .max }
        guard LaneShare.room(for: lane, beside: busyLanes, of: mostWorkers, .connections) > 0 else {
            return 0
        }
        return quota.room(for: lane)
    }

    /// Something to carry, if anything may be carried now.
    func takeLoad(
        at now: Timestamp,
        _ settings: DeliverySettings,
        _ bodies: inout FreshBodies
    ) -> Load? {
        guard let rig, busy < mostWorkers, let turn = nextTurn(at: now), turn <= now
        else { return nil }
        var load = Load()
        let most = rig.route.hop == .capture ? 64 : 1
        while load.errands.count < most, load.expired.count < 64,
            let batch = queue.takeNext(
                at: now,
                most: max(1, rig.route.limits.recipientsPerMessage),
                oneDomain: rig.route.hop == .mailExchangers,
                room: room
            )
        {
            load.lane = batch[0].entry.priority.rawValue
            add(batch, to: &load, at: now, settings, &bodies)
        }
        guard !load.isEmpty else { return nil }
        busy += 1
        busyLanes[load.lane] += 1
        if quota.isLimited { quota.begin(load.count, lane: load.lane) }
        return load
    }

    private func add(
        _ batch: [QueuedRecipient],
        to load: inout Load,
        at now: Timestamp,
        _ settings: DeliverySettings,
        _ bodies: inout FreshBodies
    ) {
        let body = bodies.take(batch[0].entry.key.message, uses: batch.count)
        let isLive = { (recipient: QueuedRecipient) in
            recipient.deadline(after: settings.expireAfter) > now
        }
        if batch.allSatisfy(isLive) {
            load.errands.append(Errand(recipients: batch, fresh: body))
        } else {
            load.expired += batch.filter { !isLive($0) }
            let live = batch.filter(isLive)
            guard !live.isEmpty else { return }
            load.errands.append(Errand(recipients: live, fresh: body))
        }
    }

    /// An idle worker for that load, out of the idle: one that is connected to where it goes, if there
    /// is one.
    func takeIdle(for load: Load) -> IdleWorker {
        guard rig?.route.hop == .mailExchangers,
            let domain = load.errands.first?.first.mailbox.domain,
            let place = idle.lastIndex(where: { $0.domain == domain })
        else { return idle.removeLast() }
        return idle.remove(at: place)
    }

    /// What an attempt says about how much its next hop can bear.
    func learn(from report: AttemptReport, for domain: String) {
        guard let rig else { return }
        if rig.route.hop.isSmart {
            switch report.response {
            case .nothing: break
            case .good: breadth.succeed()
            case .strained, .unreachable: breadth.fail(room: report.room)
            }
        } else {
            queue.shares.note(report.response, of: domain, room: report.room)
        }
    }

    func state(at now: Timestamp) -> RouteState {
        let wait = quotaWait(at: now)
        return RouteState(
            name: name,
            isConfigured: rig != nil,
            suspension: suspension,
            waiting: queue.waitingCount,
            holdsAll: window.isComplete,
            sending: queue.inFlightCount,
            connections: workers,
            restsUntil: rest.isResting(at: now) ? rest.until : wait?.until,
            isUnwell: isUnwell(wait?.until, at: now),
            restReason: rest.isResting(at: now) ? rest.reason : wait?.reason,
            ailingHosts: rig?.health.ailing(at: now) ?? [],
            lastError: lastError?.text,
            lastErrorAt: lastError?.at,
            lastSuccessAt: lastSuccess
        )
    }
}

// MARK: - Quota

extension RouteDesk {
    /// A load has been carried. Answers what the store should remember of it.
    func end(_ load: Load, sent: Int, wasOffered: Bool, at now: Timestamp) -> [QuotaUse] {
        busy -= 1
        busyLanes[load.lane] -= 1
        guard quota.isLimited else { return [] }
        return quota.end(
            load.count,
            lane: load.lane,
            sent: sent,
            wasOffered: wasOffered,
            at: now
        )
    }

    var isLimited: Bool { quota.isLimited }

    func recall(_ uses: [QuotaUse]) { quota.recall(uses) }

    /// A short wait is no reason to send mail another way.
    private func isUnwell(_ quotaUntil: Timestamp?, at now: Timestamp) -> Bool {
        if let suspension { return suspension.by == RouteSuspension.upstream }
        let until = rest.isResting(at: now) ? rest.until : quotaUntil
        return until.map { $0 - now > .seconds(30) } ?? false
    }

    /// Why what is due is not carried, and until when.
    private func quotaWait(at now: Timestamp) -> (reason: String, until: Timestamp)? {
        guard quota.isLimited, let lane = queue.firstDueLane(at: now) else { return nil }
        quota.forget(at: now)
        guard let reason = quota.reason(for: lane), let until = quota.nextRoom(for: lane, at: now),
            until > now
        else { return nil }
        return (reason, until)
    }
}
