/// How many conversations at once a next hop is trusted with. Each success makes room for one more;
/// after a failure half as many are left, and from there it grows slowly: by one for each full round.
struct ConcurrencyWindow: Sendable, Equatable {
    /// How many a next hop gets of which nothing is known.
    static let first = 5

    let most: Int
    private var breadth: Double
    /// Up to here growth is quick.
    private var proven: Double

    init(most: Int, first: Int = Self.first) {
        self.most = max(1, most)
        breadth = Double(min(first, self.most))
        proven = Double(self.most)
    }

    var size: Int { Int(breadth) }

    mutating func succeed() {
        breadth = min(Double(most), breadth + (breadth < proven ? 1 : 1 / breadth))
    }

    /// `room`: how many it has shown to bear, where it said so.
    mutating func fail(room: Int? = nil) {
        breadth = max(1, min(breadth, room.map(Double.init) ?? (breadth / 2)))
        proven = breadth
    }
}
