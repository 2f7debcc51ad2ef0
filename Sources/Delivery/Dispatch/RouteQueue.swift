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

    private struct Place: Comparable, Sendable {
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
        lanes[recipient.entry.priority.rawValue].insert(
            Place(due: recipient.entry.due, key: key, serial: serial)
        )
    }

    /// What is next to be carried, now in flight: one recipient, and with it those of the same message
    /// that may share its transaction. Nil when nothing is due.
    mutating func takeNext(at now: Timestamp, most limit: Int, oneDomain: Bool)
        -> [QueuedRecipient]?
    {
        var ready: UInt8 = 0
        for lane in lanes.indices {
            if let first = firstPlace(of: lane), first.due <= now { ready |= 1 << UInt8(lane) }
        }
        guard ready != 0, let lane = turns.next(among: { ready & 1 << UInt8($0) != 0 }),
            let first = lanes[lane].removeFirst()
        else { return nil }
        var batch = [take(first)]
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

    /// When something will be due next; nil when nothing waits.
    mutating func nextDue() -> Timestamp? {
        lanes.indices.compactMap { firstPlace(of: $0)?.due }.min()
    }

    /// The attempt is over, and with `next` the recipient waits again. False when it was taken away
    /// meanwhile: then it does not.
    @discardableResult
    mutating func finish(_ key: RecipientKey, next: QueuedRecipient? = nil) -> Bool {
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
            slots[key] = nil
            waitingCount -= 1
        case .inFlight: slots[key]?.state = .forgotten
        case .forgotten, nil: break
        }
    }

    /// Takes out, in flight, what has waited past its deadline.
    mutating func takeExpired(at now: Timestamp, after span: Duration) -> [QueuedRecipient] {
        var expired: [QueuedRecipient] = []
        for (key, slot) in slots {
            guard case .waiting = slot.state, slot.recipient.deadline(after: span) <= now
            else { continue }
            expired.append(slot.recipient)
            slots[key]?.state = .inFlight
            waitingCount -= 1
        }
        return expired
    }

    /// Leaves the latest to the store until `count` are waiting; answers up to when all that is due is
    /// still here, nil when nothing had to go.
    mutating func shed(to count: Int) -> Timestamp? {
        guard waitingCount > count else { return nil }
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

    /// Everything that waits, for another queue; what is in flight stays.
    mutating func takeWaiting() -> [QueuedRecipient] {
        let waiting = slots.values.filter { if case .waiting = $0.state { true } else { false } }
        for slot in waiting { slots[slot.recipient.entry.key] = nil }
        waitingCount = 0
        return waiting.map(\.recipient)
    }
}

extension RouteQueue {
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
