import Mail
import Testing

@testable import Delivery

@Suite("The due heap")
struct DueHeapTests {
    @Test("gives back what it got in order, whatever the order it came in", arguments: 1...20)
    func order(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let numbers = (0..<Int.random(in: 0...300, using: &random)).map { _ in
            Int.random(in: 0...50, using: &random)
        }
        var fed = DueHeap<Int>()
        for number in numbers { fed.insert(number) }
        for var heap in [fed, DueHeap(numbers)] {
            var out: [Int] = []
            while let first = heap.first {
                #expect(heap.removeFirst() == first)
                out.append(first)
            }
            #expect(out == numbers.sorted())
            #expect(heap.isEmpty)
        }
    }
}

@Suite("Lanes")
struct LaneTurnsTests {
    @Test("all full: turns go by weight, the most important first")
    func weights() {
        var turns = LaneTurns(weights: [8, 4, 2, 1])
        var counts = [0, 0, 0, 0]
        #expect(turns.next { _ in true } == 0)
        counts[0] += 1
        for _ in 1..<150 { turns.next { _ in true }.map { counts[$0] += 1 } }
        #expect(counts == [80, 40, 20, 10])
    }

    @Test("the lowest lane is never passed over for longer than a round")
    func noStarvation() {
        var turns = LaneTurns(weights: [8, 4, 2, 1])
        var waited = 0
        for _ in 0..<1000 {
            waited = turns.next { _ in true } == 3 ? 0 : waited + 1
            #expect(waited <= 15)
        }
    }

    @Test("a lane alone has every turn, and no work means no turn")
    func alone() {
        var turns = LaneTurns()
        for _ in 0..<10 { #expect(turns.next { $0 == 2 } == 2) }
        #expect(turns.next { _ in false } == nil)
    }
}

@Suite("The health of hosts")
struct HostHealthTests {
    @Test("a dead host is left alone for a time that doubles up to a minute")
    func doubling() {
        var health = HostHealth()
        var now = at(0)
        health.failed("a:25", because: "refused", at: now, isProbe: false)
        for seconds in [5, 10, 20, 40, 60, 60] {
            let awake = now + .seconds(seconds)
            let denied = health.permission(for: "a:25", at: awake - .milliseconds(1))
            guard case .denied(let ailment) = denied else { return #expect(Bool(false)) }
            #expect(ailment.deadUntil == awake)
            #expect(health.permission(for: "a:25", at: awake) == .probe)
            now = awake
            health.failed("a:25", because: "refused", at: now, isProbe: true)
        }
    }

    @Test("one probe at a time finds out; success forgets everything")
    func probing() {
        var health = HostHealth()
        health.failed("a:25", because: "refused", at: at(0), isProbe: false)
        #expect(health.permission(for: "a:25", at: at(5000)) == .probe)
        guard case .denied = health.permission(for: "a:25", at: at(5001)) else {
            return #expect(Bool(false), "a second probe")
        }
        #expect(health.permission(for: "b:25", at: at(5001)) == .healthy)
        health.succeeded("a:25")
        #expect(health.permission(for: "a:25", at: at(5002)) == .healthy)
    }

    @Test("twenty failures at once count as one")
    func stampede() {
        var health = HostHealth()
        for _ in 0..<20 { health.failed("a:25", because: "x", at: at(0), isProbe: false) }
        #expect(health.permission(for: "a:25", at: at(5000)) == .probe)
    }
}

@Suite("A route at rest")
struct RouteRestTests {
    @Test("rests longer each time until something succeeds")
    func growth() {
        var rest = RouteRest()
        var now = at(0)
        for seconds in [10, 20, 40, 80, 160, 300, 300] {
            rest.begin(because: "quota", at: now)
            rest.begin(because: "quota again", at: now)
            #expect(rest.until == now + .seconds(seconds))
            #expect(rest.isOnTrial)
            now = now + .seconds(seconds)
            #expect(!rest.isResting(at: now))
        }
        rest.end()
        #expect(!rest.isOnTrial && rest.reason == nil)
    }
}

/// A generator that always tells the same story (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ word >> 30) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ word >> 27) &* 0x94d0_49bb_1331_11eb
        return word ^ word >> 31
    }
}
