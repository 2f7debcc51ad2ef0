import Mail
import Store

/// What a route may send within a minute and within a day, and what it has sent.
struct RouteQuota: Sendable {
    private var minute: SlidingWindow?
    private var day: SlidingWindow?
    /// Under way, not yet known to be sent.
    private var messages = LaneShare.Use()
    private var recipients = LaneShare.Use()

    init() {}

    /// False where nothing is limited.
    var isLimited: Bool { minute != nil || day != nil }

    /// Other limits; what was used stays.
    mutating func adopt(_ limits: RouteLimits?) {
        minute = limits?.messagesPerMinute.map { minute?.limited(to: $0) ?? .minute($0) }
        day = limits?.recipientsPerDay.map { day?.limited(to: $0) ?? .day($0) }
    }

    mutating func forget(at now: Timestamp) {
        minute?.forget(at: now)
        day?.forget(at: now)
    }

    /// To how many recipients a message may go now; call `forget` first.
    func room(for lane: Int) -> Int {
        if let minute,
            LaneShare.room(for: lane, beside: minute.use &+ messages, of: minute.limit, .quota) == 0
        {
            return 0
        }
        guard let day else { return .max }
        return LaneShare.room(for: lane, beside: day.use &+ recipients, of: day.limit, .quota)
    }

    /// From when a message may go; nil when that depends on what is under way.
    func nextRoom(for lane: Int, at now: Timestamp) -> Timestamp? {
        var turn = now
        if let minute {
            guard let next = minute.nextRoom(for: lane, beside: messages, at: now) else {
                return nil
            }
            turn = next
        }
        if let day {
            guard let next = day.nextRoom(for: lane, beside: recipients, at: now) else {
                return nil
            }
            turn = max(turn, next)
        }
        return turn
    }

    mutating func begin(_ count: Int, lane: Int) {
        messages[lane] += 1
        recipients[lane] += count
    }

    /// `sent`: to so many of them it went, or may have. Answers what the store should remember.
    mutating func end(
        _ count: Int,
        lane: Int,
        sent: Int,
        wasOffered: Bool,
        at now: Timestamp
    ) -> [QuotaUse] {
        messages[lane] -= 1
        recipients[lane] -= count
        var uses: [QuotaUse] = []
        if wasOffered, let slot = minute?.note(1, lane: lane, at: now) {
            uses.append(QuotaUse(span: .minute, slot: slot, lane: lane, count: 1))
        }
        if sent > 0, let slot = day?.note(sent, lane: lane, at: now) {
            uses.append(QuotaUse(span: .day, slot: slot, lane: lane, count: sent))
        }
        return uses
    }

    /// In the order of their slots.
    mutating func recall(_ uses: [QuotaUse]) {
        for use in uses {
            var lanes = LaneShare.Use()
            lanes[use.lane & 3] = use.count
            let slot = SlidingWindow.Slot(number: use.slot, use: lanes)
            switch use.span {
            case .minute: minute?.recall(slot)
            case .day: day?.recall(slot)
            }
        }
    }

    /// Why a lane has to wait, where it has.
    func reason(for lane: Int) -> String? {
        if let day,
            LaneShare.room(for: lane, beside: day.use &+ recipients, of: day.limit, .quota) == 0
        {
            return "quota: \(day.use.wrappedSum()) of \(day.limit) recipients a day are used"
        }
        return room(for: lane) == 0 ? "quota: \(minute?.limit ?? 0) messages a minute" : nil
    }
}
