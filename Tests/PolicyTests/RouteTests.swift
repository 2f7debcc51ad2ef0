import Mail
import Testing

@testable import Policy

/// Contract section 3 (send connectors) and section 4, rule 7.
@Suite("The choice of a route")
struct RouteTests {
    static let house = rules(
        by: [
            route("Exchange", ["corp.example", "*.lab.example"]),
            route("Deep", ["*.deep.lab.example"]) { $0.cost = 90 },
            route("Exact", ["a.deep.lab.example"]) { $0.cost = 100 },
            route("Dear", ["*"]) { $0.cost = 20 },
            route("Cheap", ["*"]) { $0.cost = 10 },
            route("Beta", ["twin.example"]), route("Alpha", ["twin.example"]),
            route("Mine", ["*.mine.example", "mine.example"]), route("Other", ["mine.example"]),
        ])

    static let choices = [
        ("corp.example", "Exchange"), ("sub.corp.example", "Cheap"), ("lab.example", "Exchange"),
        ("x.lab.example", "Exchange"), ("deep.lab.example", "Deep"), ("b.deep.lab.example", "Deep"),
        ("a.deep.lab.example", "Exact"), ("x.a.deep.lab.example", "Deep"),
        ("elsewhere.example", "Cheap"), ("twin.example", "Alpha"), ("[192.0.2.1]", "Cheap"),
        ("mine.example", "Mine"), ("a.mine.example", "Mine"),
    ]

    @Test("the most specific, then the cheapest, then by name", arguments: choices)
    func choice(domain: String, expected: String) {
        let (finding, name) = Self.house.examineRoute(
            to: Mailbox(localPart: "x", domain: domain),
            from: client(),
            octets: 0
        )
        #expect(name == expected)
        #expect(finding.rule == .route && finding.refusal == nil)
        #expect(finding.note.contains(expected))
    }

    @Test("no route is 550 5.4.4")
    func none() {
        let book = rules(by: [route("Only", ["corp.example"])])
        let (finding, name) = book.examineRoute(
            to: Mailbox("x@other.example"),
            from: client(),
            octets: 0
        )
        #expect(name == nil)
        #expect(finding.refusal?.rule == .route)
        #expect(finding.refusal?.reply.line.hasPrefix("550 5.4.4 ") == true)
    }

    static let bound = rules(
        by: [
            route("Printers only", ["*"]) { $0.sources = ["Printers"] },
            route("Backup only", ["*"]) { $0.sources = ["backup"] },
            route("All", ["*"]) { $0.cost = 50 },
        ])

    static let served: [(Principal, connector: String, expected: String)] = [
        (.anonymous, "Printers", "Printers only"), (.anonymous, "Default", "All"),
        (.anonymous, "backup", "Backup only"), (.app(), "Default", "Backup only"),
        (.app(), "Printers", "Backup only"), (.postern, "Default", "Backup only"),
    ]

    @Test("a route serves its sources, connectors or applications", arguments: served)
    func serving(principal: Principal, connector: String, expected: String) {
        let client = client(principal, at: smtp(connector))
        let (_, name) = Self.bound.examineRoute(
            to: Mailbox("x@other.example"),
            from: client,
            octets: 0
        )
        #expect(name == expected)
    }

    @Test("the gateway's own mail is not bound by sources; a source that fits nobody is no route")
    func unbound() {
        let book = rules(by: [route("R", ["*"]) { $0.sources = ["nobody"] }])
        let recipient = Mailbox("x@other.example")
        for (principal, expected) in [(Principal.anonymous, nil), (.app(), nil), (.postern, "R")] {
            #expect(
                book.examineRoute(to: recipient, from: client(principal), octets: 0).route
                    == expected
            )
        }
    }

    static let sized = rules(
        by: [
            route("Small", ["corp.example"]) { $0.messageSize = 100 },
            route("Middle", ["*.corp.example"]) { $0.messageSize = 200 },
            route("Large", ["*"]) { $0.messageSize = 300 },
        ])

    static let sizes: [(Int, String?)] = [
        (0, "Small"), (100, "Small"), (101, "Middle"), (200, "Middle"), (201, "Large"),
        (300, "Large"), (301, nil),
    ]

    @Test(
        "a route that is too small is passed over; where all are, the size is at fault",
        arguments: sizes
    )
    func size(octets: Int, expected: String?) {
        let (finding, name) = Self.sized.examineRoute(
            to: Mailbox("x@corp.example"),
            from: client(),
            octets: octets
        )
        #expect(name == expected)
        #expect(
            finding.refusal?.reply.line
                == (expected == nil
                    ? "552 5.3.4 Message size exceeds fixed maximum message size" : nil)
        )
        #expect(finding.note.contains("octets") == (expected == nil))
    }

    @Test("the largest route's size is what SIZE may show")
    func largest() {
        #expect(Self.sized.largestRouteSize == 300)
        #expect(Self.house.largestRouteSize == nil)
        #expect(rules(by: []).largestRouteSize == nil)
    }
}
