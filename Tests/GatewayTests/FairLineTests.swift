import Mail
import Testing

@testable import Gateway

private func address(_ text: String) -> LogonSource {
    .address(IPAddress(text) ?? .loopback)
}

@Suite("The line before costly checks")
struct FairLineTests {
    /// Who leaves the line, in order, when a place becomes free again and again.
    private func order(_ line: inout FairLine<String>) -> [String] {
        var order: [String] = []
        while let next = line.leave() { order.append(next) }
        return order
    }

    private func enter(
        _ name: String,
        _ source: String,
        isRegular: Bool = false,
        _ line: inout FairLine<String>
    ) -> String {
        switch line.enter(name, from: address(source), isRegular: isRegular) {
        case .starts: "starts"
        case .waits: "waits"
        case .displaces(let other): "displaces \(other)"
        case .refused: "refused"
        }
    }

    @Test(
        "a crowd of strangers with one each makes room for regulars, and regulars for no stranger"
    )
    func regulars() {
        var line = FairLine<String>(places: 1, room: 3)
        for number in 0...3 { _ = enter("s\(number)", "192.0.2.\(number)", &line) }
        #expect(enter("s4", "192.0.2.4", &line) == "refused")
        #expect(enter("r0", "198.51.100.1", isRegular: true, &line) == "displaces s3")
        #expect(enter("r1", "198.51.100.1", isRegular: true, &line) == "displaces s2")
        #expect(enter("s5", "192.0.2.5", &line) == "refused")
        #expect(enter("r2", "198.51.100.1", isRegular: true, &line) == "displaces s1")
        // Among themselves regulars share as strangers do.
        #expect(enter("r3", "198.51.100.1", isRegular: true, &line) == "refused")
        #expect(enter("q0", "198.51.100.2", isRegular: true, &line) == "displaces r2")
        #expect(enter("s6", "192.0.2.6", &line) == "refused")
        #expect(order(&line) == ["r0", "q0", "r1"])
    }

    @Test("one source is served in the order it came")
    func order() {
        var line = FairLine<String>(places: 1, room: 8)
        #expect(enter("a0", "192.0.2.1", &line) == "starts")
        for number in 1...4 { #expect(enter("a\(number)", "192.0.2.1", &line) == "waits") }
        #expect(order(&line) == ["a1", "a2", "a3", "a4"])
        #expect(enter("a5", "192.0.2.1", &line) == "starts")
    }

    @Test("who comes after a crowd of another source is next")
    func turns() {
        var line = FairLine<String>(places: 1, room: 8)
        for number in 0...5 { _ = enter("a\(number)", "192.0.2.1", &line) }
        _ = enter("b0", "192.0.2.2", &line)
        _ = enter("c0", "192.0.2.3", &line)
        _ = enter("b1", "192.0.2.2", &line)
        #expect(order(&line) == ["b0", "c0", "a1", "b1", "a2", "a3", "a4", "a5"])
    }

    @Test(
        "from a full line the one with most in it gives up his last; who has as many does not get in"
    )
    func displacement() {
        var line = FairLine<String>(places: 2, room: 4)
        for number in 0...5 { _ = enter("a\(number)", "192.0.2.1", &line) }
        #expect(enter("a6", "192.0.2.1", &line) == "refused")
        #expect(enter("b0", "192.0.2.2", &line) == "displaces a5")
        #expect(enter("b1", "192.0.2.2", &line) == "displaces a4")
        #expect(enter("b2", "192.0.2.2", &line) == "refused")
        // a2, a3 and b0, b1 wait: to take one from either would be no fairer than to turn c0 away.
        #expect(enter("c0", "192.0.2.3", &line) == "displaces b1")
        #expect(order(&line) == ["b0", "c0", "a2", "a3"])
    }

    @Test("an IPv6 host has one turn for all its addresses")
    func prefix() {
        var line = FairLine<String>(places: 1, room: 8)
        for number in 0...4 { _ = enter("a\(number)", "2001:db8::\(number + 1)", &line) }
        _ = enter("b0", "2001:db8:0:1::1", &line)
        #expect(order(&line) == ["b0", "a1", "a2", "a3", "a4"])
    }

    @Test("nobody starves: a stream of newcomers does not keep one back")
    func starvation() {
        var line = FairLine<String>(places: 1, room: 64)
        for number in 0...9 { _ = enter("a\(number)", "192.0.2.1", &line) }
        var served: [String] = []
        for number in 0..<40 {
            _ = enter("n\(number)", "198.51.100.\(number)", &line)
            if let next = line.leave() { served.append(next) }
        }
        #expect(served.contains("a9"))
    }
}
