import Mail
import Synchronization
import Testing

@testable import Delivery

@Suite("A domain's demands on those who bring its mail")
struct STSPolicyTests {
    @Test("are read as RFC 8461 writes them")
    func whole() throws {
        let text = """
            version: STSv1\r
            mode: enforce\r
            mx: mail.example.com\r
            mx: *.Example.NET\r
            max_age: 604800\r

            """
        let policy = try #require(STSPolicy(parsing: text))
        #expect(policy.mode == .enforce && policy.maxAge == .seconds(604_800))
        #expect(policy.patterns == ["mail.example.com", "*.example.net"])
    }

    @Test(
        "of which the first counts where one stands twice, and unknown ones count nothing",
        arguments: [
            "version: STSv1\nmode: testing\nmode: enforce\nmx: a.example\nmax_age: 1\n",
            "version:STSv1\nmode:testing\nmx:a.example\nmax_age:1\nfuture: thing\nversion: STSv2",
            "  version : STSv1\n\nmode: testing \nmx: a.example\nmax_age: 1",
        ]
    )
    func tolerance(text: String) {
        #expect(STSPolicy(parsing: text)?.mode == .testing)
    }

    @Test(
        "are none where they cannot be meant",
        arguments: [
            "", "version: STSv2\nmode: enforce\nmx: a\nmax_age: 1",
            "mode: enforce\nmx: a\nmax_age: 1",
            "version: STSv1\nmode: maybe\nmx: a\nmax_age: 1",
            "version: STSv1\nmode: enforce\nmx: a",
            "version: STSv1\nmode: enforce\nmax_age: 1",
            "version: STSv1\nmode: enforce\nmx: a\nmax_age: -1",
            "version: STSv1\nmode: enforce\nmx: a\nmax_age: 1d",
            "<html><body>Not found</body></html>",
        ]
    )
    func nonsense(text: String) {
        #expect(STSPolicy(parsing: text) == nil)
    }

    @Test(
        "name hosts, or one label and what follows",
        arguments: [
            ("mail.example.com", "MAIL.example.com", true),
            ("mail.example.com", "x.mail.example.com", false),
            ("*.example.net", "a.example.net", true), ("*.example.net", "a.b.example.net", false),
            ("*.example.net", "example.net", false), ("example.com", "evilexample.com", false),
        ]
    )
    func patterns(pattern: String, host: String, isAllowed: Bool) throws {
        let text = "version: STSv1\nmode: enforce\nmx: \(pattern)\nmax_age: 1"
        #expect(try #require(STSPolicy(parsing: text)).allows(host) == isAllowed)
    }

    @Test(
        "are announced by one record of DNS",
        arguments: [
            (["v=STSv1; id=20160831085700Z;"], "20160831085700Z"),
            (["other", "v=STSv1;id=1"], "1"),
            (["v=STSv1; future=x; id=7"], "7"), (["v=STSv1; id=1", "v=STSv1; id=2"], nil),
            (["v=STSv10; id=1"], nil), (["v=STSv1"], nil), ([], nil),
        ] as [([String], String?)]
    )
    func announcement(records: [String], id: String?) {
        #expect(STSPolicy.identifier(in: records) == id)
    }
}

@Suite("The policies that are kept")
struct STSBookTests {
    private final class Site: Sendable {
        let text = Mutex<String?>(nil)
        let asked = Mutex(0)

        func serve(_ mode: String?, maxAge: Int = 100) {
            text.withLock {
                $0 = mode.map { "version: STSv1\nmode: \($0)\nmx: a\nmax_age: \(maxAge)" }
            }
        }

        var fetch: STSBook.Fetch {
            { _ in
                self.asked.withLock { $0 += 1 }
                return self.text.withLock { $0 }
            }
        }
    }

    private let book = STSBook()
    private let site = Site()

    private func mode(_ id: String?, at seconds: Int64) async -> STSPolicy.Mode? {
        await book.policy(of: "x", id: id, at: at(seconds * 1000), fetch: site.fetch)?.mode
    }

    @Test(
        "hold as long as they say, even where DNS has fallen silent, and are asked for when they change"
    )
    func memory() async {
        site.serve("enforce")
        #expect(await mode(nil, at: 0) == nil)
        #expect(await mode("1", at: 0) == .enforce)
        #expect(await mode("1", at: 50) == .enforce)
        #expect(await mode(nil, at: 99) == .enforce)
        #expect(site.asked.withLock { $0 } == 1)
        site.serve("none")
        #expect(await mode("2", at: 99) == STSPolicy.Mode.none)
        #expect(await mode(nil, at: 300) == nil)
        #expect(site.asked.withLock { $0 } == 2)
    }

    @Test("that cannot be had leave what is known, and are asked for again after a while")
    func failure() async {
        site.serve("enforce", maxAge: 1000)
        #expect(await mode("1", at: 0) == .enforce)
        site.serve(nil)
        for second: Int64 in 1...10 { #expect(await mode("2", at: second) == .enforce) }
        #expect(site.asked.withLock { $0 } == 2)
        site.serve("testing")
        #expect(await mode("2", at: 302) == .testing)
    }
}
