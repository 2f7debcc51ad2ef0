import Testing
import Wire

@Suite("A request's target is decoded safely")
struct HTTPTargetTests {
    private func target(_ text: String, method: String = "GET") throws -> HTTPTarget {
        try #require(readHead("\(method) \(text) HTTP/1.1\r\nHost: h\r\n\r\n")).target
    }

    static let paths: [(String, [String])] = [
        ("/", []), ("/a", ["a"]), ("/a/", ["a", ""]), ("/a//b", ["a", "", "b"]),
        ("/a%20b/%C3%A4?x", ["a b", "ä"]), ("/a%2Fb/c", ["a/b", "c"]),
        ("/%2e%2E/..", ["..", ".."]),
        ("/a+b", ["a+b"]), ("/ä", ["ä"]), ("http://x/a/b?c", ["a", "b"]), ("HTTPS://x:1", []),
        ("http://x?q=1", []), ("//a", ["", "a"]), ("/a%0D%0Ab", ["a\r\nb"]),
    ]

    @Test("into segments", arguments: paths)
    func segments(text: String, expected: [String]) throws {
        #expect(try target(text).segments() == expected)
    }

    @Test("or not at all", arguments: ["/%", "/%4", "/%4g", "/a/%00", "/%FF", "/%C3", "/\u{0}"])
    func brokenSegments(text: String) throws {
        guard let head = readHead("GET \(text) HTTP/1.1\r\nHost: h\r\n\r\n") else { return }
        #expect(throws: HTTPParseError.self) { try head.target.segments() }
    }

    static let queries: [(String, [String])] = [
        ("/", []), ("/?", []), ("/?a", ["a="]), ("/?a=", ["a="]), ("/?a=b=c", ["a=b=c"]),
        ("/?a=1&a=2&&b=3&", ["a=1", "a=2", "b=3"]), ("/?a+b=%2B+c", ["a b=+ c"]),
        ("/?%C3%A4=%26&x=?/", ["ä=&", "x=?/"]), ("/?=v", ["=v"]),
    ]

    @Test("its query into an ordered list", arguments: queries)
    func query(text: String, expected: [String]) throws {
        let query = try target(text).query()
        #expect(query.parameters.map { "\($0.name)=\($0.value)" } == expected)
    }

    @Test("all values of a name are kept in order")
    func values() throws {
        let query = try target("/?to=a&x=1&to=b").query()
        #expect(query.all("to") == ["a", "b"])
        #expect(query.first("to") == "a")
        #expect(query.first("y") == nil)
    }

    @Test("a broken query is refused", arguments: ["/?%", "/?a=%4", "/?a=%00", "/?%FF=a"])
    func brokenQuery(text: String) throws {
        let target = try target(text)
        #expect(throws: HTTPParseError.self) { try target.query() }
    }

    @Test("a query of a thousand parameters is long enough")
    func manyParameters() throws {
        let form = (0...1000).map { "a\($0)=b" }.joined(separator: "&")
        let long = try target("/?" + form)
        #expect(throws: HTTPParseError.self) { try long.query() }
        let allowed = form.dropLast("&a1000=b".count)
        #expect(try target("/?" + allowed).query().parameters.count == 1000)
    }

    @Test("an absolute target's host counts before Host")
    func authority() throws {
        let absolute = "GET http://one:81/x HTTP/1.1\r\nHost: two\r\n\r\n"
        #expect(try #require(readHead(absolute)).authority == "one:81")
        #expect(
            try #require(readHead("GET / HTTP/1.1\r\nHost: [::1]:8\r\n\r\n")).authority == "[::1]:8"
        )
        #expect(try #require(readHead("GET / HTTP/1.0\r\n\r\n")).authority == nil)
    }

    static let escapes = [
        ("", ""), ("a b", "a%20b"), ("ä/~-._", "%C3%A4%2F~-._"), ("%+", "%25%2B"),
    ]

    @Test("what is encoded decodes to itself", arguments: escapes)
    func percentCoding(plain: String, coded: String) throws {
        #expect(PercentCoding.encode(plain) == coded)
        #expect(try target("/" + coded).segments() == (plain.isEmpty ? [] : [plain]))
        #expect(try target("/?a=" + coded).query().first("a") == plain)
    }
}
