import Mail
import Store
import Testing

@testable import Delivery

/// A queue whose domains have next hops of their own, with somebody who carries its batches.
private struct Depot {
    var queue = RouteQueue()
    let connections: Int
    private(set) var flying: [(domain: String, keys: [RecipientKey])] = []
    private(set) var carried: [RecipientKey] = []
    private var number: Int64 = 0

    init(connections: Int) {
        self.connections = connections
        queue.shares.most = connections
    }

    mutating func add(_ domain: String, recipients: Int = 1, priority: Priority = .normal) {
        number += 1
        for index in 0..<recipients {
            let entry = entry(number, index, due: number, to: ("b", domain), priority: priority)
            queue.insert(QueuedRecipient(entry))
        }
    }

    /// Takes off as many batches as the connections allow, as the dispatcher would.
    mutating func launch() {
        while flying.count < connections, queue.nextDue() != nil,
            let batch = queue.takeNext(at: at(1_000_000), most: 100, oneDomain: true)
        {
            flying.append((batch[0].entry.mailbox.domain, batch.map(\.entry.key)))
        }
    }

    mutating func land(_ place: Int, _ response: AttemptReport.Response = .good) {
        let (domain, keys) = flying.remove(at: place)
        for key in keys { queue.finish(key) }
        carried += keys
        queue.shares.note(response, of: domain, room: nil)
    }

    func flights(of domain: String) -> Int { flying.count { $0.domain == domain } }
}

@Suite("The connections of a route to many domains")
struct DomainShareTests {
    @Test("one domain alone grows to half of them, and a second finds its place at once")
    func half() {
        var depot = Depot(connections: 20)
        for _ in 0..<500 { depot.add("slow.example") }
        for _ in 0..<100 {
            depot.launch()
            depot.land(0)
        }
        depot.launch()
        #expect(depot.flights(of: "slow.example") == 10)
        depot.add("quick.example")
        depot.launch()
        #expect(depot.flights(of: "quick.example") == 1)
    }

    @Test("whatever slow domains hold, one more finds a place")
    func manySlow() {
        var depot = Depot(connections: 20)
        for number in 0..<10 {
            for _ in 0..<50 { depot.add("slow\(number).example") }
        }
        // They are good, and grow as far as they may.
        for _ in 0..<500 {
            depot.launch()
            depot.land(depot.flying.count - 1)
        }
        depot.launch()
        #expect(depot.flying.count < 20)
        depot.add("quick.example")
        depot.launch()
        #expect(depot.flights(of: "quick.example") == 1)
    }

    @Test("domains in trouble share a quarter of them")
    func trouble() {
        var depot = Depot(connections: 20)
        for number in 0..<100 {
            for _ in 0..<3 { depot.add("dead\(number).example") }
        }
        for number in 0..<100 {
            depot.queue.shares.note(.unreachable, of: "dead\(number).example", room: nil)
        }
        depot.launch()
        #expect(depot.flying.count == 5)
        #expect(Set(depot.flying.map(\.domain)).count == 5, "one each")
        depot.add("alive.example")
        depot.launch()
        #expect(depot.flights(of: "alive.example") == 1)
    }

    @Test("a message's recipients in one domain stay together, parked or not")
    func together() {
        var depot = Depot(connections: 4)
        for _ in 0..<20 { depot.add("x.example", recipients: 3) }
        var batches: [Int] = []
        while true {
            depot.launch()
            guard !depot.flying.isEmpty else { break }
            batches.append(depot.flying[0].keys.count)
            depot.land(0)
        }
        #expect(batches == Array(repeating: 3, count: 20))
    }

    @Test("nothing is lost or stuck, whatever happens", arguments: 1...40)
    func nothingStuck(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var depot = Depot(connections: Int.random(in: 1...8, using: &random))
        var expected: Set<RecipientKey> = []
        var number: Int64 = 0
        for _ in 0..<400 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<4:
                number += 1
                let domain = "d\(Int.random(in: 0..<12, using: &random)).example"
                let size = Int.random(in: 1...3, using: &random)
                let priority = Priority.allCases.randomElement(using: &random) ?? .normal
                depot.add(domain, recipients: size, priority: priority)
                for index in 0..<size {
                    expected.insert(RecipientKey(message: MessageKey(row: number), index: index))
                }
            case 4..<6: depot.launch()
            case 6..<8 where !depot.flying.isEmpty:
                let place = Int.random(in: 0..<depot.flying.count, using: &random)
                let responses: [AttemptReport.Response] = [
                    .good, .strained, .unreachable, .nothing,
                ]
                depot.land(place, responses.randomElement(using: &random) ?? .good)
            case 8:
                guard
                    let key = expected.subtracting(depot.carried).min(by: {
                        $0.message < $1.message
                    })
                else { continue }
                depot.queue.forget(key)
                expected.remove(key)
            default: depot.queue.rejoin()
            }
            #expect(depot.flying.count <= depot.connections)
        }
        for _ in 0..<2_000 {
            depot.launch()
            guard !depot.flying.isEmpty else { break }
            depot.land(0, .unreachable)
        }
        #expect(
            expected.isSubset(of: depot.carried),
            "\(expected.subtracting(depot.carried).count) stuck"
        )
        #expect(Set(depot.carried).count == depot.carried.count)
        #expect(depot.queue.waitingCount == 0)
    }
}
