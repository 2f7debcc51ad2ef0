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
    /// Too old to be tried.
    var expired: [QueuedRecipient] = []

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
    private var bucket: TokenBucket?
    var rest = RouteRest()
    /// How many conversations the next hops are trusted with.
    var breadth = ConcurrencyWindow(most: 1)
    /// Nil while the route may carry mail.
    var suspension: RouteSuspension?
    var isSuspended: Bool { suspension != nil }
    var workers = 0
    /// Workers that are carrying something.
    var busy = 0
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

    /// A route that has changed forgets its rate, its rest and its connections.
    func equip(with route: Route?) {
        guard route != rig?.route else { return }
        rig = route.map { Rig($0) }
        bucket = route?.limits.messagesPerMinute.map { TokenBucket(perMinute: $0) }
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
        guard rig != nil, !isSuspended, var turn = queue.nextDue() else { return nil }
        if let until = rest.until { turn = max(turn, until) }
        if let bucket { turn = max(turn, bucket.nextToken(after: now)) }
        return turn
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
                oneDomain: rig.route.hop == .mailExchangers
            )
        {
            add(batch, to: &load, at: now, settings, &bodies)
        }
        guard !load.isEmpty else { return nil }
        busy += 1
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
        _ = bucket?.take(at: now)
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
        RouteState(
            name: name,
            isConfigured: rig != nil,
            suspension: suspension,
            waiting: queue.waitingCount,
            holdsAll: window.isComplete,
            sending: queue.inFlightCount,
            connections: workers,
            restsUntil: rest.isResting(at: now) ? rest.until : nil,
            restReason: rest.isResting(at: now) ? rest.reason : nil,
            ailingHosts: rig?.health.ailing(at: now) ?? [],
            lastError: lastError?.text,
            lastErrorAt: lastError?.at,
            lastSuccessAt: lastSuccess
        )
    }
}
