import Mail

/// How much was used within the last minute, or day, by lane. What was used within one slot of time is
/// counted together, and until the last of it is too old: rather too much than too little.
struct SlidingWindow: Sendable {
    struct Slot: Sendable, Equatable {
        let number: Int64
        var use: LaneShare.Use
    }

    /// Of one slot, and of the whole, in milliseconds.
    let slotLength: Int64
    let length: Int64
    let limit: Int
    private(set) var use = LaneShare.Use()
    private var slots: [Slot] = []

    static func minute(_ limit: Int) -> SlidingWindow {
        SlidingWindow(slotLength: 1000, length: 60_000, limit: limit)
    }

    static func day(_ limit: Int) -> SlidingWindow {
        SlidingWindow(slotLength: 600_000, length: 86_400_000, limit: limit)
    }

    init(slotLength: Int64, length: Int64, limit: Int) {
        self.slotLength = slotLength
        self.length = length
        self.limit = limit
    }

    /// The same use under another limit.
    func limited(to limit: Int) -> SlidingWindow {
        var other = SlidingWindow(slotLength: slotLength, length: length, limit: limit)
        other.use = use
        other.slots = slots
        return other
    }

    /// Answers the slot's number.
    @discardableResult
    mutating func note(_ count: Int, lane: Int, at now: Timestamp) -> Int64 {
        forget(at: now)
        let number = now.milliseconds / slotLength
        var added = LaneShare.Use()
        added[lane] = count
        use &+= added
        // A clock that was set back counts with the latest.
        if let last = slots.last, last.number >= number {
            slots[slots.count - 1].use &+= added
            return last.number
        }
        slots.append(Slot(number: number, use: added))
        return number
    }

    /// What an earlier process used; slots in their order.
    mutating func recall(_ slot: Slot) {
        use &+= slot.use
        if slots.last?.number == slot.number {
            slots[slots.count - 1].use &+= slot.use
        } else {
            slots.append(slot)
        }
    }

    mutating func forget(at now: Timestamp) {
        while let first = slots.first, end(of: first) <= now.milliseconds {
            use &-= first.use
            slots.removeFirst()
        }
    }

    /// From when a lane has room beside what is under way; nil when only its end can make some.
    func nextRoom(for lane: Int, beside pending: LaneShare.Use, at now: Timestamp) -> Timestamp? {
        var use = use &+ pending
        var turn = now
        for slot in slots {
            if LaneShare.room(for: lane, beside: use, of: limit, .quota) > 0 { return turn }
            use &-= slot.use
            turn = max(now, Timestamp(milliseconds: end(of: slot)))
        }
        return LaneShare.room(for: lane, beside: use, of: limit, .quota) > 0 ? turn : nil
    }

    private func end(of slot: Slot) -> Int64 { (slot.number + 1) * slotLength + length }
}
