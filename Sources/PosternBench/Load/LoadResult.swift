/// What a load did: how much in what time, and how long each took.
struct LoadResult: Sendable {
    let count: Int
    let seconds: Double
    /// What the gateway's process used meanwhile, in seconds; this hardly changes with what else the
    /// machine does.
    var processorTime: Double?
    private let sorted: [UInt32]

    init(_ latencies: Latencies, seconds: Double) {
        sorted = latencies.microseconds.sorted()
        count = sorted.count
        self.seconds = seconds
    }

    /// Counted by somebody else, who tells no latencies.
    init(count: Int, seconds: Double) {
        self.count = count
        self.seconds = seconds
        sorted = []
    }

    /// Each of these was worth so many.
    func counting(_ each: Int) -> LoadResult {
        LoadResult(count: count * each, seconds: seconds, sorted: sorted)
    }

    private init(count: Int, seconds: Double, sorted: [UInt32]) {
        self.count = count
        self.seconds = seconds
        self.sorted = sorted
    }

    var rate: Double { seconds > 0 ? Double(count) / seconds : 0 }

    /// In milliseconds; nil when nobody told.
    func percentile(_ part: Double) -> Double? {
        guard !sorted.isEmpty else { return nil }
        let place = min(sorted.count - 1, Int(Double(sorted.count) * part))
        return Double(sorted[place]) / 1000
    }
}

struct Latencies: Sendable {
    fileprivate(set) var microseconds: [UInt32] = []

    mutating func note(since start: Int64) {
        microseconds.append(UInt32(clamping: (Clock.now - start) / 1000))
    }

    mutating func add(_ other: Latencies) { microseconds += other.microseconds }
}
