import Mail
import Testing

@testable import Gateway

@Suite("The rate limiter under a given clock")
struct RateLimiterTests {
    private let limiter = RateLimiter()
    private static let start = Timestamp(milliseconds: 1_700_000_000_000)

    private func take(
        _ count: Int = 1,
        of name: String = "a",
        quota: Int = 60,
        at second: Double = 0
    )
        -> (isAllowed: Bool, state: RateState)
    {
        let now = Self.start + .milliseconds(Int64(second * 1000))
        return limiter.take(count, of: name, perMinute: quota, at: now)
    }

    @Test("a full minute's worth goes at once, and not one more")
    func burst() {
        for left in (0..<60).reversed() {
            let (isAllowed, state) = take()
            #expect(isAllowed)
            #expect(state.remaining == left && state.quota == 60)
        }
        let (isAllowed, state) = take()
        #expect(!isAllowed)
        #expect(state == RateState(quota: 60, remaining: 0, reset: 1))
    }

    @Test("it refills evenly")
    func refill() {
        #expect(take(60).isAllowed)
        #expect(!take(at: 0.999).isAllowed)
        #expect(take(at: 1).isAllowed)
        #expect(!take(at: 1.5).isAllowed)
        #expect(take(3, at: 4).isAllowed)
        #expect(!take(at: 4).isAllowed)
    }

    @Test("it never holds more than a minute's worth")
    func cap() {
        #expect(take(10, quota: 10).isAllowed)
        let (isAllowed, state) = take(10, quota: 10, at: 86_400)
        #expect(isAllowed && state.remaining == 0)
        #expect(!take(quota: 10, at: 86_400).isAllowed)
    }

    @Test("all or nothing: what is refused takes nothing")
    func whole() {
        #expect(take(7, quota: 10).isAllowed)
        #expect(!take(4, quota: 10).isAllowed)
        #expect(take(3, quota: 10).isAllowed)
    }

    @Test("the wait it names is enough, and a second less is not")
    func reset() {
        for quota in [1, 7, 10, 60, 1000] {
            let name = "q\(quota)"
            #expect(take(quota, of: name, quota: quota).isAllowed)
            let wait = take(of: name, quota: quota).state.reset
            #expect(wait == Int((60 / Double(quota)).rounded(.up)))
            if wait > 1 { #expect(!take(of: name, quota: quota, at: Double(wait) - 1).isAllowed) }
            // Sums of fractions fall short of a whole token; whole numbers would not.
            #expect(take(of: name, quota: quota, at: Double(wait)).isAllowed)
        }
    }

    @Test("names do not share")
    func names() {
        #expect(take(60, of: "a").isAllowed)
        #expect(take(60, of: "b").isAllowed)
        #expect(!take(of: "a").isAllowed)
    }

    @Test("a clock set back does not stop it and gives nothing away")
    func clock() {
        #expect(take(60, at: 100).isAllowed)
        #expect(!take(at: 40).isAllowed)
        #expect(!take(at: 40.9).isAllowed)
        #expect(!take(at: 100).isAllowed)
    }

    @Test("a smaller quota holds at once")
    func smaller() {
        #expect(take(1, quota: 100).isAllowed)
        #expect(take(quota: 10).state.remaining == 9)
    }
}
