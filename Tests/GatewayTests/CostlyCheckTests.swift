import Glibc
import Mail
import Synchronization
import Testing

@testable import Gateway

@Suite("Costly checks")
struct CostlyCheckTests {
    @Test(
        "no more run at once than may, no more wait than fit, and the rest hear at once that none is free"
    )
    func bounds() async {
        let checks = CostlyChecks(atOnce: 2, waiting: 3)
        let running = Peak()
        let answers = await withTaskGroup(of: Int?.self) { group in
            for number in 0..<12 {
                group.addTask {
                    await checks.run(for: .localUser(UInt32(number)), isRegular: false) {
                        running.change(by: 1)
                        defer { running.change(by: -1) }
                        usleep(100_000)
                        return number
                    }
                }
            }
            return await group.reduce(into: [Int?]()) { $0.append($1) }
        }
        #expect(running.highest == 2)
        #expect(answers.compactMap(\.self).count == 5)
        #expect(await checks.run(for: .address(.loopback), isRegular: false) { 7 } == 7)
    }
}

private final class Peak: Sendable {
    private let state = Mutex((now: 0, highest: 0))

    var highest: Int { state.withLock { $0.highest } }

    func change(by amount: Int) {
        state.withLock { state in
            state.now += amount
            state.highest = max(state.highest, state.now)
        }
    }
}
