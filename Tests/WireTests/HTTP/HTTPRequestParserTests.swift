import Testing

@testable import Wire

@Suite("HTTP requests are read")
struct HTTPRequestParserTests {
    static let post = """
        POST /v1/messages?to=a%40b&x=1+2 HTTP/1.1\r
        Host: relay.corp.example:8025\r
        Content-Type: application/json\r
        Content-Length: 11\r
        X-Note:  two words \t\r
        Empty:\r
        \r
        {"text":""}
        """
    static let chunked = """
        POST /in HTTP/1.1\r
        host: a\r
        transfer-encoding: Chunked\r
        expect: 100-Continue\r
        \r
        5;name="v"\r
        hello\r
        00A\r
        , world of\r
        1\r
         \r
        0\r
        X-Trailer: yes\r
        \r

        """
    static let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

    @Test("a request's head says what was sent")
    func head() throws {
        let head = try #require(readHead(Self.post))
        #expect(head.method == .post)
        #expect(head.target.text == "/v1/messages?to=a%40b&x=1+2")
        #expect(head.target.path == "/v1/messages")
        #expect(try head.target.segments() == ["v1", "messages"])
        #expect(try head.target.query().first("to") == "a@b")
        #expect(try head.target.query().first("x") == "1 2")
        #expect(head.version == .http11)
        #expect(head.framing == .length(11))
        #expect(head.keepsAlive)
        #expect(!head.expectsContinue)
        #expect(head.authority == "relay.corp.example:8025")
        #expect(head.fields.first("x-note") == "two words")
        #expect(head.fields.first("EMPTY") == "")
        #expect(head.fields.first("Missing") == nil)
        #expect(head.fields.lines.count == 5)
    }

    @Test("content follows its head, and then the end")
    func content() {
        let reading = readRequests(Self.post + Self.chunked)
        #expect(reading.error == nil)
        #expect(reading.events.count == 6)
        #expect(reading.events[1] == .body(octets(#"{"text":""}"#)))
        #expect(reading.events[2] == .end)
        #expect(reading.events[4] == .body(octets("hello, world of ")))
        #expect(reading.events[5] == .end)
        guard case .head(let head) = reading.events[3] else { return #expect(Bool(false)) }
        #expect(head.framing == .chunked)
        #expect(head.expectsContinue)
    }

    static let streams = [
        post, chunked, get, get + get + post + chunked + get, "\r\n" + get + "\r\n" + get,
        "GET / HTTP/1.0\r\n\r\n" + get, post + "GET / HTTP/1.1\r\n\r\n",
        chunked.replacing("00A", with: "00g") + get, chunked.replacing("hello\r", with: "hellos"),
        get + "GET  / HTTP/1.1\r\n\r\n", get + "\u{16}\u{3}\u{1}", get + "\r\n\r\n" + get,
        "GET / HTTP/3.0\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost:\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n",
    ]

    @Test("the network's cuts change nothing", arguments: streams)
    func cuts(stream: String) {
        let bytes = octets(stream)
        let whole = readRequests([bytes])
        for at in 0...bytes.count {
            #expect(readRequests(pieces(bytes, at: at)) == whole, "cut at \(at)")
        }
        for size in 1...5 {
            #expect(readRequests(pieces(bytes, every: size)) == whole, "cut every \(size)")
        }
    }

    static let keepAlive: [(String, Bool)] = [
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", true),
        ("GET / HTTP/1.1\r\nHost: a\r\nConnection: Close\r\n\r\n", false),
        ("GET / HTTP/1.1\r\nHost: a\r\nConnection: te, close\r\n\r\n", false),
        ("GET / HTTP/1.1\r\nHost: a\r\nConnection: te\r\nConnection: close\r\n\r\n", false),
        ("GET / HTTP/1.0\r\n\r\n", false),
        ("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true),
        ("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", false),
        ("GET / HTTP/1.7\r\nHost: a\r\n\r\n", true),
    ]

    @Test("the connection lives on as both sides agreed", arguments: keepAlive)
    func keepsAlive(request: String, expected: Bool) throws {
        #expect(try #require(readHead(request)).keepsAlive == expected)
        let next = readRequests(request + Self.get)
        #expect(next.error == nil)
        #expect(next.events.count == (expected ? 4 : 2))
    }

    @Test("Expect counts only where there is content to wait for, and not in HTTP/1.0")
    func expectation() throws {
        let fields = "Host: a\r\nExpect: 100-continue\r\n"
        let length = "Content-Length: 5\r\n"
        let bare = try #require(readHead("POST / HTTP/1.1\r\n\(fields)\r\n"))
        let full = try #require(readHead("POST / HTTP/1.1\r\n\(fields)\(length)\r\n"))
        let old = try #require(readHead("POST / HTTP/1.0\r\n\(fields)\(length)\r\n"))
        #expect(!bare.expectsContinue)
        #expect(full.expectsContinue)
        #expect(!old.expectsContinue)
    }

    @Test("between requests a connection is idle")
    func idleness() throws {
        var parser = HTTPRequestParser()
        #expect(parser.isIdle)
        parser.receive(octets(Self.get).span)
        #expect(!parser.isIdle)
        _ = try parser.next()
        #expect(!parser.isIdle)
        #expect(try parser.next() == .end)
        #expect(parser.isIdle)
        parser.receive(octets("G").span)
        #expect(try parser.next() == nil)
        #expect(!parser.isIdle)
    }

    @Test("a list is read over all its fields and not within quotes")
    func lists() throws {
        let fields = HTTPFields([
            ("Accept", #"a, "b,\" c" ,,"#), ("Other", "x"), ("ACCEPT", "d"),
        ])
        #expect(fields.list("accept") == ["a", #""b,\" c""#, "d"])
        #expect(fields.all("accept").count == 2)
    }

    @Test("an error comes again at each call, and no byte is kept behind it")
    func failure() {
        var parser = HTTPRequestParser()
        parser.receive(octets("GET\r\n").span)
        for _ in 0..<3 {
            #expect(throws: HTTPParseError.self) { try parser.next() }
            parser.receive(octets(Self.get).span)
        }
    }
}
