/// What servers said, for as long as it holds. Bounded: when it is full, what has expired goes, and
/// then whatever comes first.
struct DNSCache: Sendable {
    private var entries: [DNSQuestion: (finding: DNSFinding, until: Instant)] = [:]
    private let limit: Int

    init(limit: Int = 4_096) { self.limit = limit }

    var count: Int { entries.count }

    func finding(for question: DNSQuestion, at now: Instant = .now) -> DNSFinding? {
        guard let entry = entries[question], now < entry.until else { return nil }
        return entry.finding
    }

    mutating func keep(
        _ finding: DNSFinding,
        for question: DNSQuestion,
        lifetime: Duration,
        at now: Instant = .now
    ) {
        guard lifetime > .zero else { return }
        if entries.count >= limit, entries[question] == nil { makeRoom(at: now) }
        entries[question] = (finding, now + lifetime)
    }

    mutating func removeAll() { entries = [:] }

    private mutating func makeRoom(at now: Instant) {
        entries = entries.filter { now < $0.value.until }
        guard entries.count >= limit else { return }
        for question in Array(entries.keys.prefix(max(1, limit / 8))) { entries[question] = nil }
    }
}
