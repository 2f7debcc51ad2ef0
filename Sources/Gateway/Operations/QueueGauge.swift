import Mail
import Store
import Synchronization

/// The queue as metrics tell it, to whoever asks however often: counting a million recipients takes
/// a second, so they are counted again only after twenty times as long as it took.
final class QueueGauge: Sendable {
    private struct Reading: Sendable {
        let counts: [PrometheusSeries.Sample]
        let isGoodUntil: ContinuousClock.Instant
    }

    private let reading = Mutex<Reading?>(nil)

    func counts(in store: MailStore) async throws(StoreError) -> [PrometheusSeries.Sample] {
        let start = ContinuousClock.now
        if let last = reading.withLock({ $0 }), start < last.isGoodUntil { return last.counts }
        let counts = Self.samples(of: try await store.queueSummary())
        let end = ContinuousClock.now
        let cost = start.duration(to: end)
        reading.withLock { $0 = Reading(counts: counts, isGoodUntil: end + cost * 20) }
        return counts
    }

    /// Domains are no label: senders choose them, and each would be a series for ever.
    private static func samples(of lines: [QueueLine]) -> [PrometheusSeries.Sample] {
        var counts: [[String]: Int] = [:]
        for line in lines {
            counts[[line.route, line.status.name, line.priority.name], default: 0] += line.count
        }
        return counts.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { kind, count in
            .init(["route": kind[0], "status": kind[1], "priority": kind[2]], count)
        }
    }
}
