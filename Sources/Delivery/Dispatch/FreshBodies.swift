import Store

/// The content of mail just kept, at hand until its first attempt, so that the fast way needs no look
/// into the store. Bounded: the oldest go first.
struct FreshBodies: Sendable {
    private var bodies: [MessageKey: (octets: [UInt8], uses: Int)] = [:]
    private var order: [MessageKey] = []
    private var oldest = 0
    private(set) var octets = 0
    private let limit: Int

    init(limit: Int = 32 << 20) { self.limit = limit }

    /// `uses`: how many recipients will ask for it.
    mutating func insert(_ body: [UInt8], of message: MessageKey, uses: Int) {
        guard body.count <= limit / 16, uses > 0, bodies[message] == nil else { return }
        bodies[message] = (body, uses)
        order.append(message)
        octets += body.count
        while octets > limit, oldest < order.count {
            remove(order[oldest])
            oldest += 1
        }
        if order.count > 2 * bodies.count + 1024 {
            order = order[oldest...].filter { bodies[$0] != nil }
            oldest = 0
        }
    }

    /// For so many of its recipients; after the last it is gone.
    mutating func take(_ message: MessageKey, uses: Int) -> [UInt8]? {
        guard let body = bodies[message] else { return nil }
        if body.uses <= uses { remove(message) } else { bodies[message]?.uses -= uses }
        return body.octets
    }

    private mutating func remove(_ message: MessageKey) {
        octets -= bodies.removeValue(forKey: message)?.octets.count ?? 0
    }
}
