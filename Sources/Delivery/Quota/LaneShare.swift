import Store

/// How a limited resource is parted among the lanes: each has a share that the others leave alone, and
/// what is left belongs to whoever comes. So a crowd of scans never holds up an alert, and alerts
/// never starve the scans.
enum LaneShare {
    typealias Use = SIMD4<Int>

    /// So much is kept for a lane, of a resource of which there is so much. A single piece belongs to
    /// all.
    static func guaranteed(_ lane: Int, of limit: Int) -> Int {
        if lane == Priority.critical.rawValue { return limit < 2 ? 0 : max(1, limit / 10) }
        return limit < 8 ? 0 : max(1, limit / 20)
    }

    /// How much more a lane may take while so much is used.
    static func room(for lane: Int, beside use: Use, of limit: Int) -> Int {
        let free = limit - use.wrappedSum()
        guard free > 0 else { return 0 }
        var kept = 0
        for other in 0..<4 where other != lane {
            kept += max(0, guaranteed(other, of: limit) - use[other])
        }
        let own = guaranteed(lane, of: limit) - use[lane]
        return max(min(own, free), free - kept, 0)
    }
}
