import Testing

@testable import Wire

@Suite("HTTP requests that could be misunderstood are refused")
struct HTTPRequestRefusalTests {
    private static func head(_ fields: String, _ line: String = "POST / HTTP/1.1") -> String {
        "\(line)\r\nHost: a\r\n\(fields)\r\n\r\n"
    }

    static let lengths: [(String, Int)] = [
        (head("Content-Length: 5\r\nContent-Length: 5"), 400),
        (head("Content-Length: 5\r\nContent-Length: 6"), 400),
        (head("Content-Length: 5, 5"), 400), (head("Content-Length: 5,6"), 400),
        (head("Content-Length: +5"), 400), (head("Content-Length: -5"), 400),
        (head("Content-Length: 5 5"), 400), (head("Content-Length: 0x5"), 400),
        (head("Content-Length:"), 400), (head("Content-Length: 5;"), 400),
        (head("Content-Length: 9223372036854775808"), 400),
        (head("Content-Length: 99999999999999999999999"), 400),
        (head("Content-Length: 67108865"), 413),
        (head("Content-Length: 5\r\nTransfer-Encoding: chunked"), 400),
        (head("Transfer-Encoding: chunked\r\nContent-Length: 5"), 400),
        (head("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"), 400),
        (head("Transfer-Encoding: chunked, chunked"), 400), (head("Transfer-Encoding:"), 400),
        (head("Transfer-Encoding: gzip, chunked"), 501), (head("Transfer-Encoding: xchunked"), 501),
        (head("Transfer-Encoding: chunked, identity"), 501),
        (head("Transfer-Encoding: \"chunked\""), 501),
        (head("Transfer-Encoding: chunked;a=b"), 501),
        (head("Transfer-Encoding: \u{B}chunked"), 400),
        (head("Transfer-Encoding : chunked"), 400), (head("Content-Length : 5"), 400),
        (head("Transfer-Encoding: chunked", "POST / HTTP/1.0"), 400),
        (head("Content-Length: 5\r\n 6"), 400),
    ]
    static let fields: [(String, Int)] = [
        (head(" folded: x"), 400), (head("A: b\r\n folded"), 400), (head("A: b\r\n\tfolded"), 400),
        (head("A : b"), 400), (head(": b"), 400), (head("A b: c"), 400), (head("A"), 400),
        (head("A(: b"), 400), (head("\u{E4}: b"), 400), (head("A: b\u{0}c"), 400),
        (head("A: b\u{7F}"), 400), (head("A: b\u{1B}[0m"), 400), (head("A: b\rX: c"), 400),
        (head("A: b\r"), 400), (head("A: b\nX: c"), 400), ("GET / HTTP/1.1\nHost: a\n\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\n\n", 400), ("GET / HTTP/1.1\r\nHost: a\r\n\r\r\n", 400),
        (head("Host: a"), 400), (head("Host: b"), 400), ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a:x\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a:1:2\r\n\r\n", 400),
        ("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", 400),
    ]
    static let lines: [(String, Int)] = [
        (head("", "GET  / HTTP/1.1"), 400), (head("", "GET /  HTTP/1.1"), 400),
        (head("", " GET / HTTP/1.1"), 400), (head("", "GET / HTTP/1.1 "), 400),
        (head("", "GET\t/ HTTP/1.1"), 400), (head("", "GET /\tHTTP/1.1"), 400),
        (head("", "GET / http/1.1"), 400), (head("", "GET / HTTP/1,1"), 400),
        (head("", "GET / HTTP/11"), 400), (head("", "GET / HTTP/1.10"), 400),
        (head("", "GET / HTTP/1.x"), 400), (head("", "GET /"), 400), (head("", "GET"), 400),
        (head("", "GET / a HTTP/1.1"), 400), (head("", "G(T / HTTP/1.1"), 400),
        (head("", "GET /a#b HTTP/1.1"), 400), (head("", "GET /\u{0} HTTP/1.1"), 400),
        (head("", "GET /\u{7F} HTTP/1.1"), 400), (head("", "GET * HTTP/1.1"), 400),
        (head("", "GET a HTTP/1.1"), 400), (head("", "GET ftp://a/ HTTP/1.1"), 400),
        (head("", "GET http:///x HTTP/1.1"), 400), (head("", "GET http://u@a/x HTTP/1.1"), 400),
        (head("", "CONNECT a:443 HTTP/1.1"), 501), (head("", "GET / HTTP/2.0"), 505),
        (head("", "GET / HTTP/0.9"), 505), ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        ("\u{16}\u{3}\u{1}\u{2}", 400), ("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400), ("\rGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (head("", String(repeating: "M", count: 33) + " / HTTP/1.1"), 501),
        (head("", "GET /" + String(repeating: "a", count: 8192) + " HTTP/1.1"), 414),
    ]
    static let sizes: [(String, Int)] = [
        (head("A: " + String(repeating: "b", count: 16_382)), 431),
        (head((0..<100).map { "A\($0): b" }.joined(separator: "\r\n")), 431),
        (
            head(
                (0..<90).map { "A\($0): \(String(repeating: "b", count: 800))" }
                    .joined(separator: "\r\n")
            ), 431
        ),
    ]

    @Test("by name and for good", arguments: lengths + fields + lines + sizes)
    func refusal(request: String, status: Int) {
        let bytes = octets(request)
        let whole = readRequests([bytes])
        #expect(whole.events == [])
        #expect(whole.error?.status == status)
        #expect(whole.error?.reason.isEmpty == false)
        if bytes.count < 1000 {
            for at in 0...bytes.count { #expect(readRequests(pieces(bytes, at: at)) == whole) }
        }
        #expect(readRequests(pieces(bytes, every: bytes.count < 20_000 ? 1 : 997)) == whole)
    }

    static let chunks: [(String, Int)] = [
        ("5\r\nhelloX\r\n0\r\n\r\n", 400), ("5\r\nhello\r0\r\n\r\n", 400),
        ("5\r\nhello\n0\r\n\r\n", 400), ("5\nhello\r\n0\r\n\r\n", 400), ("+5\r\nhello\r\n", 400),
        ("-5\r\nhello\r\n", 400), ("0x5\r\nhello\r\n", 400), (" 5\r\nhello\r\n", 400),
        ("5 \r\nhello\r\n", 400), ("5 ;a\r\nhello\r\n", 400), ("\r\nhello\r\n", 400),
        (";a\r\nhello\r\n", 400), ("g\r\nhello\r\n", 400), ("5,\r\nhello\r\n", 400),
        ("8000000000000000\r\nhello\r\n", 400), ("ffffffffffffffff\r\nhello\r\n", 400),
        ("00000000000000005\r\nhello\r\n", 400), ("4000001\r\nhello\r\n", 413),
        ("7fffffffffffffff\r\nhello\r\n", 413), ("5;a\u{0}\r\nhello\r\n", 400),
        ("5;a\rb\r\nhello\r\n", 400), ("5;a\nhello\r\n", 400),
        ("5;" + String(repeating: "a", count: 300) + "\r\nhello\r\n", 400),
        ("0\r\nA : b\r\n\r\n", 400), ("0\r\nA: b\n\r\n", 400), ("0\r\n x\r\n\r\n", 400),
        ("0\r\nA: " + String(repeating: "b", count: 9000) + "\r\n\r\n", 431), ("0\r\n\n", 400),
    ]

    @Test("a chunk that is not exactly one", arguments: chunks)
    func brokenChunk(content: String, status: Int) {
        let bytes = octets(Self.head("Transfer-Encoding: chunked") + content)
        let whole = readRequests([bytes])
        #expect(whole.error?.status == status)
        #expect(!whole.events.contains(.end))
        for at in 0...min(bytes.count, 400) {
            #expect(readRequests(pieces(bytes, at: at)) == whole, "cut at \(at)")
        }
        #expect(readRequests(pieces(bytes, every: 1)) == whole)
    }

    @Test("chunk extensions and content have a limit over the whole message")
    func totals() {
        var limits = HTTPLimits()
        limits.messageExtensionOctets = 10
        limits.bodyOctets = 8
        let start = Self.head("Transfer-Encoding: chunked")
        let extended = "2;abc\r\nhi\r\n2;abc\r\nhi\r\n2;abc\r\nhi\r\n0\r\n\r\n"
        #expect(readRequests(start + extended, limits).error?.status == 400)
        let plain = "4\r\nabcd\r\n4\r\nabcd\r\n"
        #expect(readRequests(start + plain + "0\r\n\r\n", limits).events.last == .end)
        let over = readRequests(start + plain + "1\r\na\r\n", limits)
        #expect(over.error?.status == 413)
        #expect(over.events.last == .body(octets("abcdabcd")))
    }

    @Test("the limits themselves are still allowed")
    func limitsAreInclusive() {
        let target = "GET /" + String(repeating: "a", count: 8191) + " HTTP/1.1"
        #expect(readRequests(Self.head("A: b", target)).error == nil)
        let line = "A: " + String(repeating: "b", count: 16_381)
        #expect(readRequests(Self.head(line)).error == nil)
        let many = (0..<99).map { "A\($0): b" }.joined(separator: "\r\n")
        #expect(readRequests(Self.head(many)).error == nil)
        let method = String(repeating: "M", count: 32)
        #expect(readRequests(Self.head("A: b", method + " / HTTP/1.1")).error == nil)
    }

    @Test("garbage traps nothing and reads alike however it is cut", arguments: 0..<300)
    func mutations(seed: Int) {
        var generator = SeededGenerator(seed)
        let seeds = [
            HTTPRequestParserTests.post, HTTPRequestParserTests.chunked, HTTPRequestParserTests.get,
        ]
        var bytes = octets(seeds[seed % 3] + HTTPRequestParserTests.get)
        let interesting = octets("\r\n\t \u{0}:;,0A\"%/?5")
        for _ in 0..<Int.random(in: 1...6, using: &generator) {
            let index = Int.random(in: 0..<bytes.count, using: &generator)
            switch Int.random(in: 0..<4, using: &generator) {
            case 0: bytes[index] = UInt8.random(in: 0...255, using: &generator)
            case 1: bytes[index] = interesting.randomElement(using: &generator) ?? 0
            case 2: bytes.remove(at: index)
            default: bytes.insert(interesting.randomElement(using: &generator) ?? 0, at: index)
            }
        }
        let whole = readRequests([bytes])
        for event in whole.events {
            guard case .head(let head) = event else { continue }
            _ = try? head.target.segments()
            _ = try? head.target.query()
            _ = (head.fields.list("a"), head.fields.credentials, head.fields.contentType)
            _ = (head.authority, HTTPPreferences(head.fields))
        }
        #expect(readRequests(pieces(bytes, every: 1)) == whole)
        let size = Int.random(in: 2...40, using: &generator)
        #expect(readRequests(pieces(bytes, every: size)) == whole)
    }
}
