import Mail
import Testing

@testable import Policy

/// Contract section 4, rule 1.
@Suite("The choice of a receive connector")
struct ConnectorTests {
    static let house = rules([
        smtp("Default", at: ["0.0.0.0:25", "[::]:25"]),
        smtp("Net", at: ["0.0.0.0:25"], from: ["10.1.0.0/16", "2001:db8::/32"]),
        smtp("Printers", at: ["0.0.0.0:25"], from: ["10.1.20.0/24", "10.1.31.5-10.1.31.9"]),
        smtp("Copier", at: ["0.0.0.0:25"], from: ["10.1.20.7"]),
        smtp("Off", at: ["0.0.0.0:25"], from: ["10.1.20.8"]) { $0.isEnabled = false },
        smtp("Inner", at: ["10.0.0.1:25"], from: ["10.2.0.0/16", "10.1.99.0/24"]),
        smtp("Lab", at: ["[::]:25"], from: ["2001:db8:1::/48"]),
        smtp("Client", at: ["0.0.0.0:587"]),
        smtp("Mapped", at: ["0.0.0.0:26"], from: ["::ffff:10.9.0.0/112"]),
    ])

    static let choices: [(local: String, port: Int, peer: String, expected: String?)] = [
        ("192.0.2.25", 25, "203.0.113.5", "Default"),
        ("192.0.2.25", 25, "10.1.1.1", "Net"),
        ("192.0.2.25", 25, "10.1.20.1", "Printers"),
        ("192.0.2.25", 25, "10.1.20.7", "Copier"),
        ("192.0.2.25", 25, "10.1.20.8", "Printers"),  // the tighter one is switched off
        ("192.0.2.25", 25, "10.1.31.4", "Net"),
        ("192.0.2.25", 25, "10.1.31.5", "Printers"),
        ("192.0.2.25", 25, "10.1.31.10", "Net"),
        ("192.0.2.25", 25, "::ffff:10.1.20.7", "Copier"),
        ("::ffff:192.0.2.25", 25, "::ffff:10.1.20.7", "Copier"),
        ("10.0.0.1", 25, "10.2.3.4", "Inner"),
        ("10.0.0.1", 25, "10.1.99.1", "Inner"),
        ("10.0.0.1", 25, "10.1.20.7", "Copier"),  // no exact one fits: the wildcard is asked
        ("10.0.0.1", 25, "203.0.113.5", "Default"),
        ("10.0.0.2", 25, "10.2.3.4", "Default"),
        ("2001:db8::25", 25, "2001:db8:1::5", "Lab"),
        ("2001:db8::25", 25, "2001:db8:2::5", "Default"),  // Net is bound to IPv4 alone
        ("192.0.2.25", 587, "10.1.20.7", "Client"),
        ("2001:db8::25", 587, "2001:db8::1", nil),
        ("192.0.2.25", 26, "10.9.255.255", "Mapped"),
        ("192.0.2.25", 26, "10.10.0.0", nil),
        ("192.0.2.25", 2525, "10.1.20.7", nil),
    ]

    @Test("the exact address, then the smallest range, then the wildcard", arguments: choices)
    func choice(local: String, port: Int, peer: String, expected: String?) {
        #expect(Self.house.connector(at: ip(local), port: port, for: ip(peer))?.name == expected)
    }

    @Test("an exact address wins though the wildcard's range is tighter")
    func exactFirst() {
        let book = rules([
            smtp("Wild", at: ["0.0.0.0:25"], from: ["10.1.1.1"]),
            smtp("Exact", at: ["10.0.0.1:25"]),
        ])
        #expect(book.connector(at: ip("10.0.0.1"), port: 25, for: ip("10.1.1.1"))?.name == "Exact")
    }

    @Test("the order of the file does not matter")
    func order() {
        var dice = Dice(7)
        for _ in 0..<20 {
            let book = rules(Self.house.receiveConnectors.shuffled(using: &dice))
            for (local, port, peer, expected) in Self.choices {
                let name = book.connector(at: ip(local), port: port, for: ip(peer))?.name
                #expect(name == expected)
            }
        }
    }

    static let balancers: [(local: String, port: Int, peer: String, expected: String?)] = [
        ("10.0.0.1", 25, "10.9.0.1", "Exact"), ("10.0.0.1", 25, "10.9.0.2", "Wild"),
        ("10.0.0.2", 25, "10.9.0.2", "Wild"), ("10.0.0.2", 25, "10.9.0.1", nil),
        ("10.0.0.1", 25, "10.9.0.3", nil), ("10.0.0.1", 587, "10.9.0.1", nil),
        ("2001:db8::25", 25, "10.9.0.2", nil),
    ]

    @Test("a balancer is known at the places of the connectors that list it", arguments: balancers)
    func listing(local: String, port: Int, peer: String, expected: String?) {
        let book = rules([
            smtp("Exact", at: ["10.0.0.1:25"]) { $0.proxies = [range("10.9.0.1")] },
            smtp("Wild", at: ["0.0.0.0:25"]) { $0.proxies = [range("10.9.0.2")] },
            smtp("Off", at: ["0.0.0.0:25"]) {
                ($0.proxies, $0.isEnabled) = ([range("10.9.0.3")], false)
            },
        ])
        let found = book.listing(balancer: ip(peer), at: ip(local), port: port)
        #expect(found?.name == expected)
    }

    @Test("what everyone reaches is wider than 0.0.0.0/0 in words")
    func everything() {
        let book = rules([smtp("All"), smtp("Half", from: ["0.0.0.0/1"])])
        #expect(book.connector(at: ip("1.1.1.1"), port: 25, for: ip("127.0.0.1"))?.name == "Half")
        #expect(book.connector(at: ip("1.1.1.1"), port: 25, for: ip("128.0.0.1"))?.name == "All")
    }
}

/// Contract section 4, rule 1, and section 9: contained means strictly contained.
@Suite("Connectors that quarrel")
struct ConflictTests {
    static let cases: [(first: [String], second: [String], clashes: Int)] = [
        (["10.0.0.0/8"], ["10.1.0.0/16"], 0),
        (["10.1.0.0/16"], ["10.0.0.0/8"], 0),
        (["10.0.0.0/8"], ["11.0.0.0/8"], 0),
        (["10.0.0.0/8"], ["10.0.0.0/8"], 1),
        (["10.0.0.1/8"], ["10.9.9.9/8"], 1),
        (["10.0.0.0/8"], ["10.0.0.0-10.255.255.255"], 1),
        (["10.0.0.0/8"], ["::ffff:10.0.0.0/104"], 1),
        (["10.0.0.1-10.0.0.5"], ["10.0.0.5-10.0.0.9"], 1),
        (["10.0.0.1-10.0.0.5"], ["10.0.0.1-10.0.0.4"], 0),
        (["10.0.0.1"], ["10.0.0.1"], 1),
        (["10.0.0.1", "10.0.0.2"], ["10.0.0.2", "10.0.0.1"], 2),
        (["10.0.0.0/8", "10.1.1.0/24"], ["10.1.0.0/16"], 0),
        (["::1"], ["::/0"], 0),
        (["2001:db8::/32"], ["2001:db8::/32"], 1),
        ([], ["10.0.0.0/8"], 0),
        ([], ["0.0.0.0/1", "128.0.0.0/1"], 0),
        ([], [], 1),
        ([], ["0.0.0.0/0"], 1),
        (["0.0.0.0/0"], [], 1),
        (["0.0.0.0/0"], ["0.0.0.0/0"], 1),
    ]

    @Test("ranges on one binding lie apart or strictly within", arguments: cases)
    func ranges(first: [String], second: [String], clashes: Int) {
        let found = rules([smtp("A", from: first), smtp("B", from: second)]).conflicts
        #expect(found.count == clashes, "\(found.map(\.text))")
        #expect(found.allSatisfy { $0.first == "A" && $0.second == "B" && !$0.text.isEmpty })
        #expect(found.allSatisfy { $0.binding.description == "0.0.0.0:25" })
    }

    @Test("on IPv6, everything is ::/0")
    func everythingOfV6() {
        let at = ["[::]:25"]
        #expect(rules([smtp("A", at: at), smtp("B", at: at, from: ["::/0"])]).conflicts.count == 1)
        #expect(rules([smtp("A", at: at), smtp("B", at: at, from: ["fc00::/7"])]).conflicts == [])
    }

    @Test("other bindings, other families and what is switched off do not quarrel")
    func peace() {
        for other in ["0.0.0.0:26", "10.0.0.1:25", "[::]:25"] {
            #expect(rules([smtp("A"), smtp("B", at: [other])]).conflicts == [], "\(other)")
        }
        #expect(rules([smtp("A"), smtp("B") { $0.isEnabled = false }]).conflicts == [])
        // Port 0 is a new port each time.
        #expect(
            rules([smtp("A", at: ["0.0.0.0:0"]), smtp("B", at: ["0.0.0.0:0"])]).conflicts == []
        )
    }

    @Test("a binding speaks one protocol, whatever the ranges")
    func doors() {
        let http = smtp("B", from: ["10.0.0.0/8"]) { $0.door = .http }
        #expect(rules([smtp("A", from: ["11.0.0.0/8"]), http]).conflicts.count == 1)
    }

    @Test("each shared binding and each pair is told")
    func all() {
        let places = ["0.0.0.0:25", "[::]:25"]
        let found = rules(["A", "B", "C"].map { smtp($0, at: places) }).conflicts
        #expect(Set(found.map { "\($0.first)\($0.second) \($0.binding)" }).count == 6)
    }

    @Test("where nothing quarrels, exactly one connector is the tightest")
    func uniqueness() {
        var dice = Dice(11)
        for _ in 0..<300 {
            let texts = ["10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "10.1.2.3", "10.1.2.2/31"]
            let connectors = (0..<4).map { number in
                smtp("\(number)", from: dice.some(0...2, of: texts))
            }
            let book = rules(connectors)
            guard book.conflicts.isEmpty else { continue }
            let peer = dice.one(of: ["10.1.2.3", "10.1.2.2", "10.1.9.9", "10.9.9.9", "8.8.8.8"])
            let spans = connectors.compactMap { $0.tightness(for: ip(peer)) }
            #expect(spans.count(where: { $0 == spans.min() }) <= 1)
        }
    }
}
