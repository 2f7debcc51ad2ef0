import Mail
import Testing

@testable import Delivery

@Suite("The retry schedule")
struct RetryScheduleTests {
    @Test(
        "waits as it is written, and the last wait repeats",
        arguments: [
            (["1m*4", "5m*6", "10m"], [1: 60, 4: 60, 5: 300, 10: 300, 11: 600, 500: 600]),
            (["90s"], [1: 90, 2: 90, 99: 90]),
            (["1s", "2h*2", "1d"], [1: 1, 2: 7200, 3: 7200, 4: 86_400, 5: 86_400]),
        ]
    )
    func waits(forms: [String], waits: [Int: Int]) throws {
        let schedule = try RetrySchedule(parsing: forms)
        for (attempt, seconds) in waits {
            #expect(schedule.wait(afterAttempt: attempt) == .seconds(seconds), "\(attempt)")
        }
    }

    @Test(
        "refuses what is not a wait, and says so",
        arguments: [
            [], [""], ["5"], ["m"], ["5m*"], ["*4"], ["5m*0"], ["5m*+2"], ["5m*2*2"], ["-5m"],
            ["0s"], ["1m", "x"], ["5m *2"], ["1w"], ["99999999999999999999s"], ["999999999999d"],
            ["8d"], ["1m*1001"],
        ]
    )
    func refusal(of forms: [String]) {
        let error = #expect(throws: RetryScheduleError.self) {
            try RetrySchedule(parsing: forms)
        }
        #expect(error?.reason.isEmpty == false)
    }

    @Test("reads back what it shows", arguments: [["1m*4", "5m*6", "10m"], ["90s"], ["250ms*2"]])
    func roundTrip(forms: [String]) throws {
        #expect(try RetrySchedule(parsing: forms).description == forms.joined(separator: ", "))
        #expect(RetrySchedule.standard.description == "1m*4, 5m*6, 10m")
    }

    @Test("spreads a wait by 15 % to either side and no further")
    func jitter() {
        let schedule = RetrySchedule(every: .seconds(100))
        #expect(schedule.wait(afterAttempt: 1, chance: 0) == .seconds(85))
        #expect(schedule.wait(afterAttempt: 1, chance: 0.5) == .seconds(100))
        #expect(schedule.wait(afterAttempt: 1, chance: 0.999_999) <= .seconds(115))
        #expect(RetrySchedule(every: .milliseconds(1)).wait(afterAttempt: 1, chance: 0) > .zero)
    }
}

@Suite("Hosts and ports")
struct HostPortTests {
    @Test(
        "are read in every usual form",
        arguments: [
            ("mail.example", "mail.example", 25), ("mail.example:587", "mail.example", 587),
            ("10.0.0.1:2525", "10.0.0.1", 2525), ("[::1]:25", "::1", 25),
            ("[2001:db8::1]", "2001:db8::1", 25), ("2001:db8::1", "2001:db8::1", 25),
        ]
    )
    func reading(text: String, host: String, port: Int) {
        #expect(HostPort(text) == HostPort(host: host, port: port))
        #expect(HostPort(HostPort(host: host, port: port).description) == HostPort(text))
        #expect(HostPort(host: host, port: 0).description == host, "a domain has no port")
    }

    @Test(
        "are refused when broken",
        arguments: [
            "", ":25", "a:", "a:0", "a:65536", "a:x", "[::1", "[::1]25", "[]:25", "a b:25",
            "a:25:25", "127.0.0.1:25:25",
        ]
    )
    func refusal(of text: String) {
        #expect(HostPort(text) == nil)
    }
}
