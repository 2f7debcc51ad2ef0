import Testing

@testable import Policy

@Suite("Failover") struct FailoverTests {
    private let book = rules(
        by: [
            route("Internal", ["corp.example"]),
            route("Third", ["*"]) { $0.cost = 3 },
            route("Main", ["*"]),
            route("Second", ["*"]) { $0.cost = 2 },
            route("Small", ["*"]) {
                $0.cost = 1
                $0.messageSize = 100
            },
            route("Own", ["*"]) { $0.sources = ["another connector"] },
        ]
    )

    static let cases: [(String, String, Int, Set<String>, String?)] = [
        ("Main", "a.example", 1000, ["Main"], "Second"),
        ("Main", "a.example", 50, ["Main"], "Small"),
        ("Main", "a.example", 1000, ["Main", "Second"], "Third"),
        ("Main", "a.example", 1000, ["Main", "Second", "Third"], nil),
        ("Third", "a.example", 1000, ["Third"], "Main"),
        // Internal mail never takes the way over the Internet for it.
        ("Internal", "corp.example", 10, ["Internal"], nil),
        ("Gone", "a.example", 10, [], nil),
    ]

    @Test(
        "the next by cost of the same address space takes a route's place",
        arguments: cases
    )
    func substitute(
        _ name: String,
        _ domain: String,
        _ octets: Int,
        _ unusable: Set<String>,
        _ expected: String?
    ) {
        let found = book.substitute(
            for: name,
            to: domain,
            from: client(),
            octets: octets,
            without: unusable
        )
        #expect(found == expected)
        if found != nil { #expect(book.mayHaveSubstitute(name, without: unusable)) }
        if name == "Internal" { #expect(!book.mayHaveSubstitute(name, without: unusable)) }
    }
}
