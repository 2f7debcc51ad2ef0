import Store

/// How a limited resource is parted among the lanes: each has a share that the others leave alone, and
/// what is left belongs to whoever comes. So a crowd of scans never holds up an alert, and alerts
/// never starve the scans.
enum LaneShare {
    typealias Use = SIMD4<Int>

    /// What is parted: connections, which come back in a moment, or a quota, which is gone for a minute
    /// or a day. Of a few connections one is kept; a quota too small to be parted is everybody's.
    enum Resource: Sendable, CaseIterable {
        case connections, quota
    }

    /// So much is kept for a lane, of a resource of which there is so much. A single connection belongs
    /// to all.
    static func guaranteed(_ lane: Int, of limit: Int, _ resource: Resource) -> Int {
        let isCritical = lane == Priority.critical.rawValue
        let share = limit / (isCritical ? 10 : 20)
        guard resource == .connections, limit >= (isCritical ? 2 : 8) else { return share }
        return max(1, share)
    }

    /// How much more a lane may take while so much is used.
    static func room(for lane: Int, beside use: Use, of limit: Int, _ resource: Resource) -> Int {
        let free = limit - use.wrappedSum()
        guard free > 0 else { return 0 }
        var kept = 0
        for other in 0..<4 where other != lane {
            kept += max(0, guaranteed(other, of: limit, resource) - use[other])
        }
        let own = guaranteed(lane, of: limit, resource) - use[lane]
        return max(min(own, free), free - kept, 0)
    }
}
