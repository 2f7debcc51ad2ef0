import Mail
import Testing

@testable import Wire

@Suite("HTTP answers are written")
struct HTTPResponseTests {
    private static let date = "Sun, 06 Nov 1994 08:49:37 GMT"
    private static let open = HTTPExchange(isHead: false, version: .http11, keepsAlive: true)

    private func written(
        _ response: HTTPResponse,
        _ content: String = "",
        _ exchange: HTTPExchange = open
    ) -> String {
        var output: [UInt8] = []
        response.write(octets(content).span, answering: exchange, date: Self.date, to: &output)
        return text(output)
    }

    @Test("with everything a client needs")
    func whole() {
        var response = HTTPResponse(202)
        response.append("Content-Type", "application/json")
        #expect(
            written(response, "{}") == """
                HTTP/1.1 202 Accepted\r
                Date: \(Self.date)\r
                Content-Type: application/json\r
                Content-Length: 2\r
                \r
                {}
                """
        )
    }

    static let exchanges: [(Int, HTTPExchange, String)] = [
        (200, open, "Content-Length: 2\r\n\r\nhi"),
        (
            200, HTTPExchange(isHead: true, version: .http11, keepsAlive: true),
            "Content-Length: 2\r\n\r\n"
        ),
        (204, open, "\(date)\r\n\r\n"), (304, open, "\(date)\r\n\r\n"),
        (400, .closing, "Connection: close\r\nContent-Length: 2\r\n\r\nhi"),
        (
            200, HTTPExchange(isHead: false, version: .http10, keepsAlive: true),
            "Connection: keep-alive\r\nContent-Length: 2\r\n\r\nhi"
        ),
        (
            200, HTTPExchange(isHead: false, version: .http10, keepsAlive: false),
            "Connection: close\r\nContent-Length: 2\r\n\r\nhi"
        ),
    ]

    @Test("as the request allows", arguments: exchanges)
    func exchange(status: Int, exchange: HTTPExchange, end: String) {
        #expect(written(HTTPResponse(status), "hi", exchange).hasSuffix(end))
    }

    @Test("a request's head tells how to answer it")
    func exchangeOfHead() throws {
        let head = try #require(readHead("HEAD / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"))
        #expect(
            HTTPExchange(head) == HTTPExchange(isHead: true, version: .http10, keepsAlive: true)
        )
    }

    static let injections: [(String, String, String)] = [
        ("X", "a\r\nSet-Cookie: b", "X: a  Set-Cookie: b"), ("X", "a\u{0}b\nc\rd", "X: a b c d"),
        ("X\r\nY", "a", "X--Y: a"), ("X: Y", "a", "X--Y: a"), ("", "a", "-: a"),
        ("X", "ä\t\u{7F}", "X: ä\t "),
    ]

    @Test("and nothing can be injected", arguments: injections)
    func injection(name: String, value: String, line: String) {
        var response = HTTPResponse(200)
        response.append(name, value)
        #expect(written(response).contains("\r\n\(line)\r\n"))
        #expect(written(response).split(separator: "\r\n").count == 4)
    }

    @Test(
        "the framing is the writer's own business",
        arguments: ["Content-Length", "transfer-encoding", "CONNECTION", "Date"]
    )
    func reserved(name: String) {
        var response = HTTPResponse(200)
        response.append(name, "7")
        #expect(written(response) == written(HTTPResponse(200)))
    }

    static let streams: [(Int, HTTPExchange, Int?, String)] = [
        (
            200, open, nil,
            "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n"
        ),
        (200, open, 19, "Content-Length: 19\r\n\r\nabc0123456789abcdef"),
        (
            200, HTTPExchange(isHead: true, version: .http11, keepsAlive: true), nil,
            "Transfer-Encoding: chunked\r\n\r\n"
        ),
        (
            200, HTTPExchange(isHead: false, version: .http10, keepsAlive: true), nil,
            "Connection: close\r\n\r\nabc0123456789abcdef"
        ),
        (204, open, nil, "\(date)\r\n\r\n"),
    ]

    @Test("content that comes in pieces is framed", arguments: streams)
    func stream(status: Int, exchange: HTTPExchange, length: Int?, end: String) {
        var output: [UInt8] = []
        let writer = HTTPResponse(status).begin(
            contentLength: length,
            answering: exchange,
            date: Self.date,
            to: &output
        )
        for piece in ["abc", "", "0123456789abcdef"] {
            writer.write(octets(piece).span, to: &output)
        }
        writer.finish(to: &output)
        #expect(text(output).hasSuffix(end))
        #expect(writer.keepsAlive == !end.hasPrefix("Connection: close"))
    }

    static let dates: [(Int64, String)] = [
        (784_111_777_000, date), (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (951_782_400_999, "Tue, 29 Feb 2000 00:00:00 GMT"),
        (1_795_346_964_123, "Sun, 22 Nov 2026 11:29:24 GMT"),
        (-1, "Wed, 31 Dec 1969 23:59:59 GMT"), (4_102_444_800_000, "Fri, 01 Jan 2100 00:00:00 GMT"),
    ]

    @Test("dates are written as RFC 9110 wants them", arguments: dates)
    func date(milliseconds: Int64, expected: String) {
        #expect(HTTPDate.text(Timestamp(milliseconds: milliseconds)) == expected)
    }

    @Test("every status has a phrase, or says that it has none")
    func phrases() {
        #expect(HTTPStatus.phrase(422) == "Unprocessable Content")
        #expect(HTTPStatus.phrase(503) == "Service Unavailable")
        #expect(HTTPStatus.phrase(299) == "Unknown")
        #expect(text(HTTPResponse.goOn) == "HTTP/1.1 100 Continue\r\n\r\n")
    }
}

@Suite("HTTP requests are written")
struct HTTPRequestTests {
    private func written(_ request: HTTPRequest, _ content: String = "") -> String {
        var output: [UInt8] = []
        request.write(octets(content).span, to: &output)
        return text(output)
    }

    @Test("so that our own parser understands them")
    func roundTrip() throws {
        var request = HTTPRequest(.post, "/token?a=b c", authority: "api.example:8443")
        request.append("Content-Type", "text/plain\r\nX: y")
        request.append("Host", "evil")
        let reading = readRequests(written(request, "hello"))
        #expect(reading.error == nil)
        #expect(Array(reading.events.dropFirst()) == [.body(octets("hello")), .end])
        let head = try #require(readHead(written(request, "hello")))
        #expect(head.target.text == "/token?a=b%20c")
        #expect(head.authority == "api.example:8443")
        #expect(head.fields.first("content-type") == "text/plain  X: y")
        #expect(head.fields.lines.count == 3)
    }

    @Test("with a length only where content is meant")
    func lengths() {
        #expect(!written(HTTPRequest(.get, "/", authority: "a")).contains("Content-Length"))
        #expect(written(HTTPRequest(.post, "", authority: "a")).contains("Content-Length: 0"))
        #expect(written(HTTPRequest(.get, "/", authority: "a"), "x").hasSuffix("1\r\n\r\nx"))
    }

    @Test("with the wish to close, and no line more than was asked for")
    func closing() {
        var output: [UInt8] = []
        let request = HTTPRequest(.put, "/a\r\nb", authority: "h")
        request.write(octets("abc").span, keepsAlive: false, to: &output)
        let lines = ["PUT /a%0D%0Ab HTTP/1.1", "Host: h", "Connection: close"]
        #expect(
            text(output) == lines.joined(separator: "\r\n") + "\r\nContent-Length: 3\r\n\r\nabc"
        )
    }
}
