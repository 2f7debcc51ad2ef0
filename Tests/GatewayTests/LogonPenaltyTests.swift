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
            standings.append(penalties.standing(of: attacker, isRegular: false, at: start))
            let shutOut = penalties.fail(attacker, guess: "\(guess)", at: start)
            #expect(shutOut == (guess == 12 ? attacker : nil))
        }
        #expect(standings.prefix(5).allSatisfy { $0 == .good })
        #expect(standings.dropFirst(5).allSatisfy { $0 == .suspect })
        let end = start + LogonPenalties.exclusion
        #expect(
            penalties.standing(of: attacker, isRegular: false, at: start) == .shutOut(until: end)
        )
        #expect(penalties.standing(of: printer, isRegular: false, at: start) == .good)
    }

    @Test("who guesses from many addresses of one IPv6 network shuts out its strangers, no regular")
    func network() {
        let penalties = LogonPenalties()
        func neighbour(_ number: Int, of network: UInt128 = 0x2001_0db8) -> LogonSource {
            .address(IPAddress(v6: network << 96 | UInt128(number)))
        }
        let guesses = (1...1000).prefix { number in
            penalties.fail(neighbour(number), guess: "\(number)", at: start) == nil
        }
        #expect(guesses.count + 1 == 96)
        let printer = neighbour(5000)
        let end = start + LogonPenalties.exclusion
        #expect(
            penalties.standing(of: printer, isRegular: false, at: start) == .shutOut(until: end)
        )
        #expect(penalties.standing(of: printer, isRegular: true, at: start) == .good)
        let other = neighbour(5000, of: 0x2001_0db9)
        #expect(penalties.standing(of: other, isRegular: false, at: start) == .good)
    }

    @Test("one address of an IPv6 network shuts out itself, and not its neighbours")
    func neighbours() {
        let penalties = LogonPenalties()
        let host = LogonSource.address(IPAddress(v6: 0x2001_0db8 << 96 | 1))
        let neighbour = LogonSource.address(IPAddress(v6: 0x2001_0db8 << 96 | 2))
        let shutOut = (1...12).compactMap { penalties.fail(host, guess: "\($0)", at: start) }
        #expect(shutOut == [host])
        #expect(penalties.standing(of: host, isRegular: true, at: start) != .good)
        #expect(penalties.standing(of: neighbour, isRegular: false, at: start) == .good)
    }

    @Test("the exclusion ends by itself, and is not lengthened by knocking")
    func end() {
        let penalties = LogonPenalties()
        for guess in 1...12 { _ = penalties.fail(attacker, guess: "\(guess)", at: start) }
        let end = start + LogonPenalties.exclusion
        #expect(
            penalties.standing(of: attacker, isRegular: false, at: end - .seconds(1))
                == .shutOut(until: end)
        )
        #expect(penalties.standing(of: attacker, isRegular: false, at: end) == .suspect)
        #expect(
            penalties.standing(of: attacker, isRegular: false, at: end + .seconds(200)) == .good
        )
    }

    @Test("a device that repeats one wrong password each minute shuts nobody out")
    func misconfiguredDevice() {
        let penalties = LogonPenalties()
        for minute in 0..<600 {
            let now = start + .seconds(60 * minute)
            #expect(penalties.standing(of: printer, isRegular: false, at: now) == .good)
            #expect(penalties.fail(printer, guess: "printer old-password", at: now) == nil)
        }
    }

    @Test("repeating one password quickly is no way round the limit")
    func repetition() {
        let penalties = LogonPenalties()
        let failures = (1...40).prefix { _ in
            penalties.fail(attacker, guess: "same", at: start) == nil
        }
        #expect(failures.count == 17)
    }

    @Test("failures are forgiven with time, and a clock set back forgives nothing")
    func forgiveness() {
        let penalties = LogonPenalties()
        for guess in 1...11 { _ = penalties.fail(attacker, guess: "\(guess)", at: start) }
        let later = start + .seconds(400)
        #expect(
            penalties.standing(of: attacker, isRegular: false, at: start - .seconds(900))
                == .suspect
        )
        #expect(penalties.standing(of: attacker, isRegular: false, at: later) == .good)
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
        #expect(
            penalties.standing(of: attacker, isRegular: false, at: start) == .shutOut(until: end)
        )
        #expect(penalties.count <= 100)
    }
}
