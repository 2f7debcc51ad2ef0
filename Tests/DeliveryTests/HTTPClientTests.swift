import Mail
import Net
import Synchronization
import Testing
import Wire

@testable import Delivery

@Suite("HTTP client") struct HTTPClientTests {
    @Test(
        "an address is taken apart",
        arguments: [
            ("https://login.example/t/oauth2?x=1", true, "login.example", 443, "/t/oauth2?x=1"),
            ("http://127.0.0.1:8080", false, "127.0.0.1", 8080, "/"),
            ("HTTPS://[2001:db8::1]:444/a", true, "2001:db8::1", 444, "/a"),
            ("https://h?q", true, "h", 443, "/?q"),
        ]
    )
    func parts(_ text: String, _ secure: Bool, _ host: String, _ port: Int, _ target: String)
        throws
    {
        let address = try #require(WebAddress(text))
        #expect(address.isSecure == secure && address.host == host)
        #expect(address.port == port && address.target == target)
    }

    @Test(
        "what is no address of ours is refused",
        arguments: [
            "", "login.example", "ftp://h/", "https://", "https://user:secret@h/", "https://h/#f",
            "https://h/a b", "https://h:0/", "https://h:x/", "https://2001:db8::1/",
            "https://h/\r\nX: y", "https://h%00/", "http:/h",
        ]
    )
    func refusal(_ text: String) { #expect(WebAddress(text) == nil) }

    @Test("a log never shows the query")
    func printing() {
        let address = WebAddress("https://h:8443/in?token=geheim")
        #expect(address?.description == "https://h:8443/in")
    }

    @Test("the answer comes with its status, its fields and its content")
    func answer() async throws {
        let reply =
            "HTTP/1.1 201 Made\r\nX-A: b\r\nTransfer-Encoding: chunked\r\n\r\n"
            + "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
        let (answer, asked) = try await ask(reply, .post, "/a?b", [("X-Q", "1")], "hello")
        #expect(answer.status == 201 && answer.content == Array("abcde".utf8))
        #expect(answer.fields.first("x-a") == "b")
        #expect(asked.hasPrefix("POST /a?b HTTP/1.1\r\nHost: 127.0.0.1:"))
        #expect(asked.contains("Content-Length: 5\r\n") && asked.contains("X-Q: 1\r\n"))
        #expect(asked.hasSuffix("\r\n\r\nhello"))
    }

    @Test("a redirect is an answer, not a way")
    func redirect() async throws {
        let reply =
            "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
        #expect(try await ask(reply).answer.status == 302)
    }

    static let broken: [(String, String)] = [
        ("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", "longer than 100 octets"),
        ("HTTP/1.1 200 OK\r\n\r\n" + String(repeating: "x", count: 101), "longer than 100 octets"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", "ended within the content"),
        ("SSH-2.0-x\r\n", "status line"), ("", "ended ahead"),
    ]

    @Test("a broken or too long answer is an error that says so", arguments: broken)
    func brokenAnswers(_ reply: String, _ words: String) async throws {
        let error = await #expect(throws: HTTPClientError.self) { try await ask(reply) }
        #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
    }

    @Test("a silent server costs the limit and no more")
    func silence() async throws {
        // A loop that no other test holds up.
        let loops = EventLoops(count: 1)
        defer { loops.shutDown(grace: .zero) }
        let (error, spent) = await loops.all[0].run { () async -> (HTTPClientError?, Duration) in
            let begun = ContinuousClock.now
            do {
                let server = try WebServer(nil, on: loops)
                let limit = Duration.milliseconds(200)
                _ = try await HTTPClient(.real).ask(.get, server.address("/"), within: limit)
                return (nil, .zero)
            } catch {
                return (error as? HTTPClientError, ContinuousClock.now - begun)
            }
        }
        #expect(error?.description.hasSuffix("no answer in time") == true)
        #expect(spent < .seconds(5))
    }

    @Test("what must not be reached, or not in the clear, is not even connected to")
    func forbidden() async throws {
        for (clear, mayReach) in [(HTTPClient.Clear.nobody, true), (.anybody, false)] {
            let server = try await onLoops { loops in
                let server = try WebServer("HTTP/1.1 200 OK\r\n\r\n", on: loops)
                let client = HTTPClient(.real, clear: clear) { _ in mayReach }
                await #expect(throws: HTTPClientError.self) {
                    try await client.ask(.get, server.address("/"))
                }
                return server
            }
            #expect(server.connections == 0)
        }
    }

    @Test("over TLS the authority and the name must both be right")
    func verification() async throws {
        let authority = try temporaryFile(TestCertificate.certificate)
        for (host, verification, isGood) in [
            ("sink.test", TLSClientContext.Verification.caFile(authority), true),
            ("other.test", .caFile(authority), false), ("sink.test", .system, false),
        ] {
            try await onLoops { loops in
                let tls = try TLSServerContext(
                    certificatePEM: TestCertificate.certificate,
                    keyPEM: TestCertificate.key
                )
                let reply = "HTTP/1.1 204 None\r\n\r\n"
                let server = try WebServer(reply, on: loops, tls: tls)
                var surroundings = Surroundings.real
                surroundings.addresses = { (_, _) async throws(ResolverError) in
                    HostAddresses(["127.0.0.1"])
                }
                let client = HTTPClient(surroundings, verification: verification)
                let url = try #require(WebAddress("https://\(host):\(server.port)/"))
                let status = try? await client.ask(.get, url).status
                #expect(status == (isGood ? 204 : nil), "\(host)")
            }
        }
    }

    @discardableResult
    private func ask(
        _ reply: String?,
        _ method: HTTPMethod = .get,
        _ target: String = "/",
        _ fields: [(String, String)] = [],
        _ content: String = "",
        within limit: Duration = .seconds(10)
    ) async throws -> (answer: HTTPAnswer, asked: String) {
        try await onLoops { loops in
            let server = try WebServer(reply, on: loops)
            let answer = try await HTTPClient(.real).ask(
                method,
                server.address(target),
                fields: fields,
                content: Array(content.utf8),
                within: limit,
                most: 100
            )
            return (answer, server.asked)
        }
    }
}
