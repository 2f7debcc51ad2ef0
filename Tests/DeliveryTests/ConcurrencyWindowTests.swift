import Mail
import Testing

@testable import Delivery

@Suite("How many conversations a next hop is trusted with")
struct ConcurrencyWindowTests {
    @Test("rises quickly to what the route allows while all goes well")
    func rise() {
        var window = ConcurrencyWindow(most: 20)
        #expect(window.size == 5)
        for _ in 0..<15 { window.succeed() }
        #expect(window.size == 20)
        for _ in 0..<100 { window.succeed() }
        #expect(window.size == 20)
    }

    @Test("falls by half with each failure, never to none, and then rises by one for each round")
    func fall() {
        var window = ConcurrencyWindow(most: 20, first: 20)
        window.fail()
        #expect(window.size == 10)
        for _ in 0..<10 { window.succeed() }
        #expect(window.size == 10 || window.size == 11)
        for _ in 0..<20 { window.fail() }
        #expect(window.size == 1)
        window.succeed()
        #expect(window.size == 2)
    }

    @Test("falls to what a host has shown to bear")
    func room() {
        var window = ConcurrencyWindow(most: 20, first: 20)
        window.fail(room: 13)
        #expect(window.size == 13)
        window.fail(room: 17)
        #expect(window.size == 13)
    }
}

@Suite("A host's conversations")
struct CrowdTests {
    private func begin(_ health: inout HostHealth, at time: Int64) {
        health.approached("h", at: at(time))
        health.settled("h", hasBegun: true, at: at(time))
    }

    @Test("of several that are opened at once, only the last to fail tells that a host is dead")
    func opening() {
        var health = HostHealth()
        for _ in 0..<3 { health.approached("h", at: at(0)) }
        for left in [2, 1, 0] {
            #expect(health.crowd(at: "h", inWords: false, at: at(10)) == nil)
            #expect((health.crowd(at: "h", inWords: true, at: at(10)) == nil) == (left == 0))
            health.settled("h", hasBegun: false, at: at(10))
        }
    }

    @Test("a host that wants no more of them is full while they go on well, and not dead")
    func crowd() {
        var health = HostHealth()
        #expect(health.crowd(at: "h", inWords: true, at: at(0)) == nil)
        for _ in 0..<3 { begin(&health, at: 0) }
        #expect(health.crowd(at: "h", inWords: true, at: at(1_000)) == 3)
        #expect(health.permission(for: "h", at: at(2_000)) == .full(3))
        health.ended("h")
        #expect(health.permission(for: "h", at: at(2_000)) == .healthy)
        begin(&health, at: 2_000)
        #expect(health.permission(for: "h", at: at(6_000)) == .healthy, "asked again after a while")
    }

    @Test("one whose conversations hang is no busy host but a dead one")
    func hung() {
        var health = HostHealth()
        begin(&health, at: 0)
        #expect(health.crowd(at: "h", inWords: true, at: at(31_000)) == nil)
        health.progressed("h", at: at(31_000))
        #expect(health.crowd(at: "h", inWords: true, at: at(32_000)) == 1)
        health.ended("h")
        #expect(health.crowd(at: "h", inWords: true, at: at(32_000)) == nil)
    }
}
