import Mail
import Store

/// The recipients that one route has in memory: waiting, by lane and due time, or in flight.
struct RouteQueue: Sendable {
    private struct Slot: Sendable {
        var recipient: QueuedRecipient
        var state: State
    }

    private enum State: Sendable, Equatable {
        /// The serial number of its place in a lane; places with others are stale.
        case waiting(UInt32)
        case inFlight
        /// Taken away by an operator while in flight.
        case forgotten
    }

    struct Place: Comparable, Sendable {
        let due: Timestamp
        let key: RecipientKey
        let serial: UInt32

        static func < (left: Place, right: Place) -> Bool {
            (left.due, left.key.message, left.key.index)
                < (right.due, right.key.message, right.key.index)
        }
    }

    private var slots: [RecipientKey: Slot] = [:]
    private var lanes = Array(repeating: DueHeap<Place>(), count: Priority.allCases.count)
    private var turns = LaneTurns()
    private var serial: UInt32 = 0
    /// Where each domain has its own next hops: which of them has how many connections.
    var shares = DomainShares()
    /// The first recipient of each batch that counts there.
    private var leaders: [RecipientKey: String] = [:]

    /// Nothing that waits ends before; it may be much later.
    private var ends = Ends()

    private(set) var waitingCount = 0
    var inFlightCount: Int { slots.count - waitingCount }

    func holds(_ key: RecipientKey) -> Bool { slots[key] != nil }

    /// It is being carried, though perhaps taken away meanwhile.
    func isCarried(_ key: RecipientKey) -> Bool {
        switch slots[key]?.state {
        case .inFlight, .forgotten: true
        case .waiting, nil: false
        }
    }
}

extension RouteQueue {
    /// Puts a recipient in its lane, in place of what was waiting under its key. One in flight stays
    /// as it is.
    mutating func insert(_ recipient: QueuedRecipient) {
        let key = recipient.entry.key
        serial &+= 1
        switch slots[key]?.state {
        case .inFlight, .forgotten: return
        case .waiting: break
        case nil: waitingCount += 1
        }
        slots[key] = Slot(recipient: recipient, state: .waiting(serial))
        ends.include(recipient)
        lanes[recipient.entry.priority.rawValue].insert(
            Place(due: recipient.entry.due, key: key, serial: serial)
        )
    }

    /// What is next to be carried, now in flight: one recipient, and with it those of the same message
    /// that may share its transaction. Nil when nothing is due.
    /// `room`: how many recipients a lane may have carried now.
    mutating func takeNext(
        at now: Timestamp,
        most limit: Int,
        oneDomain: Bool,
        room: (_ lane: Int) -> Int = { _ in .max }
    ) -> [QueuedRecipient]? {
        guard let (lane, first) = nextPlace(at: now, oneDomain: oneDomain, room) else {
            return nil
        }
        let limit = min(limit, room(lane))
        var batch = [take(first)]
        if oneDomain {
            let domain = batch[0].entry.mailbox.domain
            leaders[first.key] = domain
            shares.begin(domain)
        }
        var others: [Place] = []
        while batch.count < limit, let place = firstPlace(of: lane), place.due <= now,
            place.key.message == first.key.message
        {
            _ = lanes[lane].removeFirst()
            if oneDomain, domain(of: place) != batch[0].entry.mailbox.domain {
                others.append(place)
            } else {
                batch.append(take(place))
            }
        }
        for place in others { lanes[lane].insert(place) }
        return batch
    }

    /// The place whose turn it is. What belongs to a domain that has enough connections is parked.
    private mutating func nextPlace(
        at now: Timestamp,
        oneDomain: Bool,
        _ room: (Int) -> Int
    ) -> (Int, Place)? {
        while true {
            var ready: UInt8 = 0
            for lane in lanes.indices {
                if let first = firstPlace(of: lane), first.due <= now, room(lane) > 0 {
                    ready |= 1 << UInt8(lane)
                }
            }
            guard ready != 0, let lane = turns.next(among: { ready & 1 << UInt8($0) != 0 }),
                let first = lanes[lane].removeFirst()
            else { return nil }
            guard oneDomain, let domain = domain(of: first), !shares.admits(domain) else {
                return (lane, first)
            }
            shares.park(first, lane: lane, of: domain)
        }
    }

    /// When something will be due next; nil when nothing waits but what is parked.
    mutating func nextDue() -> Timestamp? {
        while let domain = shares.nextWaiting(), release(1, of: domain) == 0 {}
        return lanes.indices.compactMap { firstPlace(of: $0)?.due }.min()
    }

    /// When something may be carried next, where lanes are held up: `free` tells until when, nil for a
    /// lane that only an attempt's end can free.
    mutating func nextTurn(free: (_ lane: Int) -> Timestamp?) -> Timestamp? {
        guard nextDue() != nil else { return nil }
        var turn: Timestamp?
        for lane in lanes.indices {
            guard let first = firstPlace(of: lane), let from = free(lane) else { continue }
            let moment = max(first.due, from)
            turn = turn.map { min($0, moment) } ?? moment
        }
        return turn
    }

    /// The most important lane in which something is due.
    mutating func firstDueLane(at now: Timestamp) -> Int? {
        lanes.indices.first { firstPlace(of: $0).map { $0.due <= now } ?? false }
    }

    /// The attempt is over, and with `next` the recipient waits again. False when it was taken away
    /// meanwhile: then it does not.
    @discardableResult
    mutating func finish(_ key: RecipientKey, next: QueuedRecipient? = nil) -> Bool {
        if let domain = leaders.removeValue(forKey: key) { land(domain) }
        guard let slot = slots[key] else { return false }
        if case .waiting = slot.state { return false }
        slots[key] = nil
        guard slot.state == .inFlight else { return false }
        if let next { insert(next) }
        return true
    }

    mutating func forget(_ key: RecipientKey) {
        switch slots[key]?.state {
        case .waiting:
            let slot = slots.removeValue(forKey: key)
            waitingCount -= 1
            if let slot { shares.nudge(slot.recipient.entry.mailbox.domain) }
        case .inFlight: slots[key]?.state = .forgotten
        case .forgotten, nil: break
        }
    }

    /// Takes out, in flight, what has waited past its deadline. Looks through all that waits only where
    /// something may have.
    mutating func takeExpired(at now: Timestamp, after span: Duration) -> [QueuedRecipient] {
        guard ends.earliest(after: span) <= now else { return [] }
        ends = Ends()
        var expired: [QueuedRecipient] = []
        for (key, slot) in slots {
            guard case .waiting = slot.state else { continue }
            guard slot.recipient.deadline(after: span) <= now else {
                ends.include(slot.recipient)
                continue
            }
            expired.append(slot.recipient)
            slots[key]?.state = .inFlight
            waitingCount -= 1
            shares.nudge(slot.recipient.entry.mailbox.domain)
        }
        return expired
    }

    /// Leaves the latest to the store until `count` are waiting; answers up to when all that is due is
    /// still here, nil when nothing had to go.
    mutating func shed(to count: Int) -> Timestamp? {
        guard waitingCount > count else { return nil }
        rejoin()
        var waiting: [(place: Place, lane: Int)] = []
        waiting.reserveCapacity(waitingCount)
        for lane in lanes.indices {
            for place in lanes[lane].elements where isCurrent(place) {
                waiting.append((place, lane))
            }
        }
        waiting.sort { $0.place < $1.place }
        for (place, _) in waiting[count...] { slots[place.key] = nil }
        waitingCount = count
        for lane in lanes.indices {
            lanes[lane] = DueHeap(waiting[..<count].filter { $0.lane == lane }.map(\.place))
        }
        return waiting[count].place.due - .milliseconds(1)
    }

    /// What was parked takes its place in the lanes again.
    mutating func rejoin() {
        for (lane, place) in shares.clear() { lanes[lane].insert(place) }
    }

    /// Everything that waits, for another queue; what is in flight stays.
    mutating func takeWaiting() -> [QueuedRecipient] {
        let waiting = slots.values.filter { if case .waiting = $0.state { true } else { false } }
        for slot in waiting { slots[slot.recipient.entry.key] = nil }
        waitingCount = 0
        return waiting.map(\.recipient)
    }
}

extension RouteQueue {
    /// A batch of that domain is over: what was parked for its sake comes back.
    private mutating func land(_ domain: String) {
        release(shares.end(domain), of: domain)
    }

    /// Puts the places of so many parked messages back; answers how many there were. Those that have
    /// gone meanwhile do not count.
    @discardableResult
    private mutating func release(_ most: Int, of domain: String) -> Int {
        var released = 0
        while released < most {
            let batch = shares.unpark(domain)
            guard !batch.isEmpty else { break }
            let current = batch.filter { isCurrent($0.place) }
            for (lane, place) in current { lanes[lane].insert(place) }
            released += current.isEmpty ? 0 : 1
        }
        return released
    }

    private mutating func firstPlace(of lane: Int) -> Place? {
        while let first = lanes[lane].first {
            if isCurrent(first) { return first }
            _ = lanes[lane].removeFirst()
        }
        return nil
    }

    private func isCurrent(_ place: Place) -> Bool {
        slots[place.key]?.state == .waiting(place.serial)
    }

    private mutating func take(_ place: Place) -> QueuedRecipient {
        guard let recipient = slots[place.key]?.recipient else {
            preconditionFailure("a current place has its slot")
        }
        slots[place.key]?.state = .inFlight
        waitingCount -= 1
        return recipient
    }

    private func domain(of place: Place) -> String? {
        slots[place.key]?.recipient.entry.mailbox.domain
    }
}
