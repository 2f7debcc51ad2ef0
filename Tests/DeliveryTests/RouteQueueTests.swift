import Mail
import Store
import Testing

@testable import Delivery

func at(_ milliseconds: Int64) -> Timestamp { Timestamp(milliseconds: milliseconds) }

func entry(
    _ message: Int64,
    _ index: Int = 0,
    due: Int64 = 0,
    to address: (String, String) = ("b", "corp.example"),
    priority: Priority = .normal,
    attempts: Int = 0,
    created: Int64 = 0,
    sendAt: Int64? = nil,
    expires: Int64? = nil,
    route: String = "r"
) -> QueueEntry {
    QueueEntry(
        key: RecipientKey(message: MessageKey(row: message), index: index),
        id: MessageID(high: 1, low: UInt64(message)),
        mailbox: Mailbox(localPart: address.0, domain: address.1),
        sender: .mailbox(Mailbox(localPart: "a", domain: "corp.example")),
        route: route,
        due: at(due),
        attempts: attempts,
        priority: priority,
        createdAt: at(created),
        sendAt: sendAt.map(at),
        expiresAt: expires.map(at),
        octets: 100,
        connector: "c"
    )
}

extension RouteQueue {
    fileprivate mutating func take(at now: Int64, most: Int = 100, oneDomain: Bool = false)
        -> [String]?
    {
        takeNext(at: Timestamp(milliseconds: now), most: most, oneDomain: oneDomain)?
            .map { "\($0.entry.id.low).\($0.entry.key.index)" }
    }
}

@Suite("The queue of a route")
struct RouteQueueTests {
    @Test("gives what is due, earliest first, and nothing earlier")
    func dueOrder() {
        var queue = RouteQueue()
        for (message, due) in [(1, 50), (2, 10), (3, 30)] as [(Int64, Int64)] {
            queue.insert(QueuedRecipient(entry(message, due: due)))
        }
        #expect(queue.take(at: 9) == nil)
        #expect(queue.nextDue() == at(10))
        #expect(queue.take(at: 40) == ["2.0"])
        #expect(queue.take(at: 40) == ["3.0"])
        #expect(queue.take(at: 40) == nil)
        #expect((queue.waitingCount, queue.inFlightCount) == (1, 2))
    }

    @Test("the recipients of a message go together, up to the limit, and no stranger with them")
    func together() {
        var queue = RouteQueue()
        for index in [3, 0, 1, 2, 4] { queue.insert(QueuedRecipient(entry(7, index))) }
        queue.insert(QueuedRecipient(entry(8)))
        #expect(queue.take(at: 0, most: 3) == ["7.0", "7.1", "7.2"])
        #expect(queue.take(at: 0, most: 3) == ["7.3", "7.4"])
        #expect(queue.take(at: 0, most: 3) == ["8.0"])
    }

    @Test("where each domain has its own next hop, only its recipients go together")
    func oneDomain() {
        var queue = RouteQueue()
        for (index, domain) in ["x.example", "y.example", "x.example"].enumerated() {
            queue.insert(QueuedRecipient(entry(7, index, to: ("b", domain))))
        }
        #expect(queue.take(at: 0, oneDomain: true) == ["7.0", "7.2"])
        #expect(queue.take(at: 0, oneDomain: true) == ["7.1"])
    }

    @Test("lanes share by weight")
    func lanes() {
        var queue = RouteQueue()
        for message in 1...30 as ClosedRange<Int64> {
            queue.insert(QueuedRecipient(entry(message, priority: .low)))
            queue.insert(QueuedRecipient(entry(100 + message, due: 1, priority: .critical)))
        }
        let first = (0..<9).compactMap { _ in queue.take(at: 5)?.first }
        #expect(first.count { $0.utf8.count >= 5 } == 8)
    }

    @Test("what is in flight is not taken twice, and waits again only when it ends")
    func inFlight() {
        var queue = RouteQueue()
        let recipient = QueuedRecipient(entry(1))
        queue.insert(recipient)
        #expect(queue.take(at: 0) == ["1.0"])
        queue.insert(recipient)
        #expect(queue.take(at: 0) == nil)
        let later = recipient.waiting(as: .deferred, attempts: 1, until: at(60))
        let ended = queue.finish(recipient.entry.key, next: later)
        #expect(ended)
        #expect(queue.take(at: 59) == nil)
        #expect(queue.take(at: 60) == ["1.0"])
        let endedAgain = queue.finish(recipient.entry.key)
        #expect(endedAgain)
        #expect(!queue.holds(recipient.entry.key))
    }

    @Test("what an operator takes away is gone, in flight or not")
    func forgetting() {
        var queue = RouteQueue()
        queue.insert(QueuedRecipient(entry(1)))
        queue.forget(entry(1).key)
        #expect(queue.take(at: 0) == nil)
        #expect(queue.waitingCount == 0)
        let second = QueuedRecipient(entry(2))
        queue.insert(second)
        #expect(queue.take(at: 0) == ["2.0"])
        queue.forget(second.entry.key)
        let waitsAgain = queue.finish(second.entry.key, next: second)
        #expect(!waitsAgain)
        #expect(queue.take(at: 0) == nil)
        #expect(!queue.holds(second.entry.key))
    }

    @Test("a newer place replaces the older one")
    func replacing() {
        var queue = RouteQueue()
        queue.insert(QueuedRecipient(entry(1, due: 10)))
        queue.insert(QueuedRecipient(entry(1, due: 500)))
        #expect(queue.waitingCount == 1)
        #expect(queue.take(at: 100) == nil)
        queue.insert(QueuedRecipient(entry(1, due: 20), isForced: true))
        #expect(queue.take(at: 100) == ["1.0"])
        #expect(queue.take(at: 1000) == nil)
    }

    @Test("sheds the latest, whatever its lane, and keeps the rest in order")
    func shedding() {
        var queue = RouteQueue()
        for message in 1...20 as ClosedRange<Int64> {
            let priority = Priority.allCases[Int(message) % 4]
            queue.insert(QueuedRecipient(entry(message, due: message, priority: priority)))
        }
        _ = queue.shed(to: 5)
        #expect(queue.waitingCount == 5)
        var left: Set<String> = []
        while let batch = queue.take(at: 100) { left.formUnion(batch) }
        #expect(left == ["1.0", "2.0", "3.0", "4.0", "5.0"])
    }

    @Test("finds what is too old, once, by its age or its own end")
    func expiry() {
        var queue = RouteQueue()
        queue.insert(QueuedRecipient(entry(1, created: 0)))
        queue.insert(QueuedRecipient(entry(2, created: 500)))
        queue.insert(QueuedRecipient(entry(3, created: 500, expires: 600)))
        queue.insert(QueuedRecipient(entry(4, created: 0), isForced: true))
        // Made long ago, to be sent now: its age counts from then.
        queue.insert(QueuedRecipient(entry(5, due: 900, created: 0)))
        // The same after an attempt, and as a restart finds it.
        queue.insert(
            QueuedRecipient(entry(6, due: 1900, attempts: 1, created: 0, sendAt: 900))
        )
        let expired = queue.takeExpired(at: at(1000), after: .milliseconds(1000))
        #expect(Set(expired.map(\.entry.id.low)) == [1, 3])
        #expect(queue.takeExpired(at: at(1000), after: .milliseconds(1000)).isEmpty)
        #expect((queue.waitingCount, queue.inFlightCount) == (4, 2))
        queue.insert(QueuedRecipient(entry(7, created: 100)))
        let later = queue.takeExpired(at: at(1500), after: .milliseconds(1000))
        #expect(Set(later.map(\.entry.id.low)) == [2, 7], "what came since, and what was left")
        #expect(queue.takeExpired(at: at(2_000_000), after: .zero).isEmpty, "zero: never")
        queue.insert(QueuedRecipient(entry(8, created: 0, expires: 1600)))
        let ended = queue.takeExpired(at: at(1600), after: .zero)
        #expect(ended.map(\.entry.id.low) == [8], "but its own end counts")
    }

    @Test("under random orders it agrees with a simple list", arguments: 1...10)
    func model(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var queue = RouteQueue()
        var model: [Int64: Int64] = [:]
        for _ in 0..<2000 {
            let message = Int64.random(in: 1...60, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0, 1:
                let due = Int64.random(in: 0...100, using: &random)
                queue.insert(QueuedRecipient(entry(message, due: due)))
                model[message] = due
            case 2:
                queue.forget(entry(message).key)
                model[message] = nil
            default:
                let now = Int64.random(in: 0...100, using: &random)
                let taken = queue.takeNext(at: at(now), most: 1, oneDomain: false)?[0].entry
                let least = model.values.filter { $0 <= now }.min()
                #expect(taken?.due.milliseconds == least)
                if let taken {
                    model[Int64(taken.id.low)] = nil
                    queue.finish(taken.key)
                }
            }
            #expect(queue.waitingCount == model.count)
        }
    }
}
