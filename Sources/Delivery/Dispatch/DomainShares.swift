import Store

/// Who gets the connections of a route whose domains have next hops of their own. A domain may have as
/// many as are still free (dynamic thresholds, Choudhury and Hahne 1998): one alone gets half of them,
/// and whatever a few slow ones hold, one more finds a place. Those in trouble share a quarter.
struct DomainShares: Sendable {
    typealias Place = RouteQueue.Place

    private struct Share {
        var busy = 0
        /// Of those, the ones that began while it was in trouble.
        var suspects = 0
        var window: ConcurrencyWindow
        var isTroubled = false
        var parked: ParkedPlaces?
        /// Among the domains that wait for others in trouble to end.
        var isWaiting = false

        var isIdle: Bool { busy == 0 && parked == nil }
    }

    /// The connections of the route.
    var most = 1
    private var shares: [String: Share] = [:]
    private var busy = 0
    private var suspects = 0
    /// Domains in trouble that wait for others of their kind to end.
    private var waiting: [String] = []
    private var mostSuspects: Int { max(1, most / 4) }

    /// Whether one more may begin for this domain.
    func admits(_ domain: String) -> Bool {
        guard let share = shares[domain] else { return true }
        guard share.busy > 0 else { return !share.isTroubled || suspects < mostSuspects }
        return share.busy < limit(of: share)
    }

    private func limit(of share: Share) -> Int {
        share.isTroubled ? 1 : min(share.window.size, most - busy)
    }

    mutating func begin(_ domain: String) {
        var share = shares[domain] ?? fresh
        share.busy += 1
        busy += 1
        if share.isTroubled {
            share.suspects += 1
            suspects += 1
        }
        shares[domain] = share
    }

    /// One has ended. Answers how many parked batches of the domain may come back.
    mutating func end(_ domain: String) -> Int {
        guard var share = shares[domain] else { return 0 }
        share.busy -= 1
        busy -= 1
        if share.suspects > 0 {
            share.suspects -= 1
            suspects -= 1
        }
        shares[domain] = share.isIdle && !share.isTroubled ? nil : share
        if shares.count > 4096 { shares = shares.filter { !$0.value.isIdle } }
        guard share.parked != nil else { return 0 }
        return max(share.busy == 0 ? 1 : 0, limit(of: share) - share.busy)
    }

    /// What its last attempt says about a domain's next hops.
    mutating func note(_ response: AttemptReport.Response, of domain: String, room: Int?) {
        guard response != .nothing else { return }
        var share = shares[domain] ?? fresh
        switch response {
        case .nothing: return
        case .good:
            share.window.succeed()
            share.isTroubled = false
        case .strained: share.window.fail(room: room)
        case .unreachable:
            share.window.fail()
            share.isTroubled = true
        }
        shares[domain] = share.isIdle && !share.isTroubled ? nil : share
    }

    private var fresh: Share { Share(window: ConcurrencyWindow(most: most, first: 1)) }
}

// MARK: - Parking

extension DomainShares {
    /// Keeps what is due and may not begin yet.
    mutating func park(_ place: Place, lane: Int, of domain: String) {
        var share = shares[domain] ?? fresh
        if share.busy == 0, !share.isWaiting {
            share.isWaiting = true
            waiting.append(domain)
        }
        var parked = share.parked.take() ?? ParkedPlaces()
        parked.insert(place, lane: lane)
        share.parked = parked
        shares[domain] = share
    }

    /// What had come back for a domain is gone: something else of it may have its turn.
    mutating func nudge(_ domain: String) {
        guard let share = shares[domain], share.parked != nil, !share.isWaiting else { return }
        shares[domain]?.isWaiting = true
        waiting.append(domain)
    }

    /// A domain that waits, of which a batch may come back now.
    mutating func nextWaiting() -> String? {
        guard !waiting.isEmpty, suspects < mostSuspects else { return nil }
        let domain = waiting.removeFirst()
        shares[domain]?.isWaiting = false
        return domain
    }

    /// The places of one message, whose turn it is; none when none is parked.
    mutating func unpark(_ domain: String) -> [(lane: Int, place: Place)] {
        guard var parked = shares[domain]?.parked.take() else { return [] }
        let batch = parked.nextBatch()
        if !parked.isEmpty { shares[domain]?.parked = parked }
        return batch
    }

    /// Everything that is parked.
    mutating func clear() -> [(lane: Int, place: Place)] {
        waiting = []
        for domain in shares.keys { shares[domain]?.isWaiting = false }
        return shares.keys.flatMap { domain in
            shares[domain]?.parked.take()?.all ?? []
        }
    }
}

/// Places that wait, by lane.
struct ParkedPlaces: Sendable {
    private var lanes: [DueHeap<RouteQueue.Place>] = []
    private var turns = LaneTurns()

    var isEmpty: Bool { lanes.allSatisfy(\.isEmpty) }

    mutating func insert(_ place: RouteQueue.Place, lane: Int) {
        while lanes.count <= lane { lanes.append(DueHeap()) }
        lanes[lane].insert(place)
    }

    mutating func nextBatch() -> [(lane: Int, place: RouteQueue.Place)] {
        guard let lane = turns.next(among: { $0 < lanes.count && !lanes[$0].isEmpty }),
            let first = lanes[lane].removeFirst()
        else { return [] }
        var batch = [(lane, first)]
        while lanes[lane].first?.key.message == first.key.message,
            let next = lanes[lane].removeFirst()
        {
            batch.append((lane, next))
        }
        return batch
    }

    var all: [(lane: Int, place: RouteQueue.Place)] {
        lanes.indices.flatMap { lane in lanes[lane].elements.map { (lane, $0) } }
    }
}
