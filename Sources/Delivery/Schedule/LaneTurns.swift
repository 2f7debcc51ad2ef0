/// Whose turn it is: of the lanes that have work, each gets turns in proportion to its weight, evenly
/// mixed (smooth weighted round robin), so that the important goes first and nothing starves.
struct LaneTurns: Sendable {
    private let weights: [Int]
    private var credit: [Int]

    /// One weight for each lane, most important first.
    init(weights: [Int] = [8, 4, 2, 1]) {
        self.weights = weights
        credit = Array(repeating: 0, count: weights.count)
    }

    /// The lane to serve now, nil when none has work.
    mutating func next(among hasWork: (Int) -> Bool) -> Int? {
        var chosen: Int?
        var total = 0
        for lane in weights.indices where hasWork(lane) {
            total += weights[lane]
            credit[lane] += weights[lane]
            if chosen.map({ credit[lane] > credit[$0] }) ?? true { chosen = lane }
        }
        if let chosen { credit[chosen] -= total }
        return chosen
    }
}
