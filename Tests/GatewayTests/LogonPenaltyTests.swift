import Mail
import Testing

@testable import Gateway

@Suite("Failed logons are counted by their source")
struct LogonPenaltyTests {
    private let start = Timestamp(milliseconds: 1_700_000_000_000)
    private let attacker = LogonSource.address(IPAddress(v4: 0xc000_0201))
    private let printer = LogonSource.address(IPAddress(v4: 0xc000_0202))

    @Test("a source that goes on guessing becomes suspect, then is shut out, and no other with it")
    func guessing() {
        let penalties = LogonPenalties()
        var standings: [LogonStanding] = []
        for guess in 1...12 {
            standings.append(penalties.standing(of: attacker, at: start))
            let isLast = penalties.fail(attacker, guess: "\(guess)", at: start)
            #expect(isLast == (guess == 12))
        }
        #expect(standings.prefix(5).allSatisfy { $0 == .good })
        #expect(standings.dropFirst(5).allSatisfy { $0 == .suspect })
        let end = start + LogonPenalties.exclusion
        #expect(penalties.standing(of: attacker, at: start) == .shutOut(until: end))
        #expect(penalties.standing(of: printer, at: start) == .good)
    }

    @Test("the exclusion ends by itself, and is not lengthened by knocking")
    func end() {
        let penalties = LogonPenalties()
        for guess in 1...12 { _ = penalties.fail(attacker, guess: "\(guess)", at: start) }
        let end = start + LogonPenalties.exclusion
        #expect(penalties.standing(of: attacker, at: end - .seconds(1)) == .shutOut(until: end))
        #expect(penalties.standing(of: attacker, at: end) == .suspect)
        #expect(penalties.standing(of: attacker, at: end + .seconds(200)) == .good)
    }

    @Test("a device that repeats one wrong password each minute shuts nobody out")
    func misconfiguredDevice() {
        let penalties = LogonPenalties()
        for minute in 0..<600 {
            let now = start + .seconds(60 * minute)
            #expect(penalties.standing(of: printer, at: now) == .good)
            #expect(!penalties.fail(printer, guess: "printer old-password", at: now))
        }
    }

    @Test("repeating one password quickly is no way round the limit")
    func repetition() {
        let penalties = LogonPenalties()
        let failures = (1...40).prefix { _ in
            !penalties.fail(attacker, guess: "same", at: start)
        }
        #expect(failures.count == 17)
    }

    @Test("failures are forgiven with time, and a clock set back forgives nothing")
    func forgiveness() {
        let penalties = LogonPenalties()
        for guess in 1...11 { _ = penalties.fail(attacker, guess: "\(guess)", at: start) }
        let later = start + .seconds(400)
        #expect(penalties.standing(of: attacker, at: start - .seconds(900)) == .suspect)
        #expect(penalties.standing(of: attacker, at: later) == .good)
    }

    @Test("the accounts are bounded, and a crowd of others does not free one that is shut out")
    func bounds() {
        let penalties = LogonPenalties(capacity: 100)
        for guess in 1...12 { _ = penalties.fail(attacker, guess: "\(guess)", at: start) }
        for number in 0..<1000 {
            let source = LogonSource.address(IPAddress(v4: 0x0a00_0000 + UInt32(number)))
            _ = penalties.fail(source, guess: "x", at: start)
        }
        let end = start + LogonPenalties.exclusion
        #expect(penalties.standing(of: attacker, at: start) == .shutOut(until: end))
        #expect(penalties.count <= 100)
    }
}
