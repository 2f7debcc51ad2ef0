import Glibc
import Testing

@testable import Net

extension NetTests {
    @Suite("A loop runs its tasks on its own thread")
    struct LoopTests {
        @Test("a task stays on its loop across sleeps, actors and blocking work")
        func stays() async throws {
            try await withLoops { loops in
                let counter = Counter()
                for round in 1...50 {
                    #expect(EventLoop.current === loops.all[0])
                    #expect(await counter.increment() == round)
                    #expect(EventLoop.current === loops.all[0])
                    let other = await BlockingPool.shared.run { EventLoop.current == nil }
                    #expect(other && EventLoop.current === loops.all[0])
                    if round.isMultiple(of: 10) { await loops.all[0].sleep(for: .milliseconds(1)) }
                }
                #expect(await loops.all[1].run { EventLoop.current === loops.all[1] })
                #expect(EventLoop.current === loops.all[0])
            }
        }

        @Test("sleepers wake in the order of their times, none early")
        func sleeping() async throws {
            try await withLoops { loops in
                let woken = Shared<[Int]>([])
                let early = Shared(0)
                for time in [60, 5, 90, 30, 1, 120] {
                    loops.all[0].start {
                        let clock = ContinuousClock()
                        let start = clock.now
                        await loops.all[0].sleep(for: .milliseconds(time))
                        if clock.now - start < .milliseconds(time) { early.change { $0 += 1 } }
                        woken.change { $0.append(time) }
                    }
                }
                #expect(await eventually { woken.value.count == 6 })
                #expect(woken.value == [1, 5, 30, 60, 90, 120])
                #expect(early.value == 0)
            }
        }

        @Test("a cancelled timer's work is not done, another's once")
        func timers() async throws {
            try await withLoops { loops in
                let done = Shared<[String]>([])
                let cancelled = loops.all[0].schedule(after: .milliseconds(20)) {
                    done.change { $0.append("cancelled") }
                }
                loops.all[1].schedule(after: .milliseconds(20)) {
                    let isThere = EventLoop.current === loops.all[1]
                    done.change { $0.append("done \(isThere)") }
                }
                cancelled.cancel()
                cancelled.cancel()
                await loops.all[0].sleep(for: .milliseconds(60))
                #expect(done.value == ["done true"])
                cancelled.cancel()
            }
        }

        @Test("a busy stream does not keep a timer waiting")
        func fairness() async throws {
            try await withLoops(1) { loops in
                let listener = try Listener(loopback)
                defer { listener.stop() }
                let isOver = Shared(false)
                listener.start(on: loops, serve: echo)
                for _ in 0..<4 {
                    loops.all[0].start {
                        guard
                            let connection = try? await Connection.connect(
                                to: listener.local,
                                within: .seconds(5)
                            )
                        else { return }
                        while !isOver.value {
                            try? await connection.send(pattern(64), within: .seconds(5))
                            _ = try? await connection.receive(within: .seconds(5)) { $0.count }
                        }
                    }
                }
                let clock = ContinuousClock()
                for _ in 0..<10 {
                    let start = clock.now
                    await loops.all[0].sleep(for: .milliseconds(10))
                    #expect(clock.now - start < .milliseconds(500))
                }
                isOver.change { $0 = true }
            }
        }

        @Test("blocking work is done once each, on no more threads than allowed")
        func pool() async throws {
            try await withLoops { loops in
                let pool = BlockingPool(threads: 3)
                let threads = Shared<Set<UInt>>([])
                let sum = Shared(0)
                for number in 1...100 {
                    loops.next().start {
                        let answer = await pool.run {
                            let thread = UInt(pthread_self())
                            threads.change { _ = $0.insert(thread) }
                            usleep(200)
                            return number
                        }
                        sum.change { $0 += answer }
                    }
                }
                #expect(await eventually { sum.value == 5_050 })
                #expect((1...3).contains(threads.value.count))
            }
        }
    }

    @Suite("Alarms ring in order")
    struct AlarmTests {
        @Test("the heap agrees with sorting, whatever is set, moved and removed", arguments: 1...20)
        func order(_ seed: UInt64) {
            var random = SeededGenerator(state: seed)
            var heap = AlarmHeap()
            var alarms: [Alarm] = []
            for _ in 0..<300 {
                switch Int.random(in: 0..<4, using: &random) {
                case 0 where !alarms.isEmpty:
                    heap.remove(alarms.remove(at: .random(in: alarms.indices, using: &random)))
                case 1 where !alarms.isEmpty:
                    let alarm = alarms[.random(in: alarms.indices, using: &random)]
                    heap.set(
                        alarm,
                        for: Instant(nanoseconds: .random(in: 0..<1_000, using: &random))
                    )
                default:
                    let alarm = Alarm()
                    alarms.append(alarm)
                    heap.set(
                        alarm,
                        for: Instant(nanoseconds: .random(in: 0..<1_000, using: &random))
                    )
                }
            }
            let expected = alarms.map(\.due).sorted()
            var found: [Instant] = []
            while let alarm = heap.takeDue(at: .never) { found.append(alarm.due) }
            #expect(found == expected)
            #expect(!alarms.contains { $0.isSet })
        }

        @Test("nothing rings before its time")
        func notEarly() {
            var heap = AlarmHeap()
            heap.set(Alarm(), for: Instant(nanoseconds: 10))
            #expect(heap.takeDue(at: Instant(nanoseconds: 9)) == nil)
            #expect(heap.takeDue(at: Instant(nanoseconds: 10)) != nil)
            #expect(heap.next == .never)
        }
    }
}

private actor Counter {
    private var count = 0
    func increment() -> Int {
        count += 1
        return count
    }
}

/// SplitMix64: the same numbers for the same seed.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
