import Mail
import Net
import Synchronization
import Testing

@testable import Delivery

@Suite("Tokens") struct TokenTests {
    private static func answer(_ json: String, _ status: String = "200 OK") -> String {
        "HTTP/1.1 \(status)\r\nContent-Length: \(json.utf8.count)\r\n\r\n\(json)"
    }

    private static func grant(
        _ server: WebServer,
        refreshTokenFile: String? = nil
    ) throws -> TokenGrant {
        TokenGrant(
            url: try server.address("/token"),
            clientID: "the client",
            clientSecretFile: try temporaryFile("ge&heim\n"),
            scope: "https://outlook.office365.com/.default",
            refreshTokenFile: refreshTokenFile
        )
    }

    @Test("the client's credentials are a form")
    func form() async throws {
        let (asked, token) = try await onLoops { loops in
            let json = "{\"access_token\":\"abc\",\"expires_in\":3599,\"token_type\":\"Bearer\"}"
            let server = try WebServer(Self.answer(json), on: loops)
            let broker = TokenBroker(.grant(try Self.grant(server)))
            let token = try await broker.token(in: .real)
            return (server.asked, token)
        }
        #expect(token == "abc")
        #expect(asked.hasPrefix("POST /token HTTP/1.1\r\n"))
        #expect(asked.contains("Content-Type: application/x-www-form-urlencoded\r\n"))
        #expect(
            asked.hasSuffix(
                "\r\n\r\nclient_id=the%20client&grant_type=client_credentials"
                    + "&client_secret=ge%26heim"
                    + "&scope=https%3A%2F%2Foutlook.office365.com%2F.default"
            )
        )
    }

    @Test("many at once make one request, and each has the same token")
    func oneAtATime() async throws {
        let (tokens, connections) = try await onLoops { loops in
            let json = Self.answer("{\"access_token\":\"one\",\"expires_in\":3600}")
            let server = try WebServer(on: loops) { _ in json }
            let broker = TokenBroker(.grant(try Self.grant(server)))
            var surroundings = Surroundings.real
            let connect = surroundings.connect
            surroundings.connect = { (peer, source, limit) async throws(StreamError) in
                await EventLoop.current?.sleep(for: .milliseconds(50))
                return try await connect(peer, source, limit)
            }
            let world = surroundings
            let tokens = await withTaskGroup(of: String.self) { group in
                for _ in 0..<20 {
                    group.addTask(executorPreference: loops.all[0]) {
                        (try? await broker.token(in: world)) ?? "none"
                    }
                }
                return await group.reduce(into: [String]()) { $0.append($1) }
            }
            return (tokens, server.connections)
        }
        #expect(tokens == Array(repeating: "one", count: 20) && connections == 1)
    }

    @Test("a token is renewed ahead of its end while the old one serves, and never used after it")
    func renewal() async throws {
        try await onLoops { loops in
            let clock = Mutex(Timestamp(milliseconds: 0))
            var world = Surroundings.real
            let connect = world.connect
            world = Surroundings(
                clock: { clock.withLock { $0 } },
                chance: { 0 },
                connect: connect
            )
            world.ask(Resolver())
            let server = try WebServer(on: loops) { number in
                Self.answer("{\"access_token\":\"t\(number)\",\"expires_in\":1000}")
            }
            let broker = TokenBroker(.grant(try Self.grant(server)))
            #expect(try await broker.token(in: world) == "t1")
            clock.withLock { $0 = Timestamp(milliseconds: 799_000) }
            #expect(try await broker.token(in: world) == "t1")
            clock.withLock { $0 = Timestamp(milliseconds: 801_000) }
            #expect(try await broker.token(in: world) == "t1", "it serves while it is renewed")
            for _ in 0..<200 where try await broker.token(in: world) == "t1" {
                await EventLoop.current?.sleep(for: .milliseconds(10))
            }
            #expect(try await broker.token(in: world) == "t2" && server.connections == 2)
            clock.withLock { $0 = Timestamp(milliseconds: 3_000_000) }
            #expect(try await broker.token(in: world) == "t3")
            broker.discard("t2")
            #expect(try await broker.token(in: world) == "t3", "another than the refused one")
            broker.discard("t3")
            #expect(try await broker.token(in: world) == "t4")
        }
    }

    @Test("a new refresh token takes the place of the old one")
    func refresh() async throws {
        let file = try temporaryFile("first\n")
        let asked = try await onLoops { loops in
            let server = try WebServer(on: loops) { number in
                Self.answer(
                    "{\"access_token\":\"t\",\"expires_in\":0,\"refresh_token\":\"r\(number)\"}"
                )
            }
            let grant = try Self.grant(server, refreshTokenFile: file)
            let broker = TokenBroker(.grant(grant))
            _ = try await broker.token(in: .real)
            _ = try await broker.token(in: .real)
            return server.asked
        }
        #expect(asked.contains("grant_type=refresh_token&refresh_token=first&"))
        #expect(asked.contains("grant_type=refresh_token&refresh_token=r1&"))
        #expect(SecretFile.read(file) == "r2")
    }

    static let refusals: [(String, String)] = [
        (
            answer(
                "{\"error\":\"invalid_client\",\"error_description\":\"ge&heim is wrong\"}",
                "401 X"
            ),
            "401 invalid_client: … is wrong"
        ),
        (answer("{}"), "without an access_token"),
        (answer("{\"access_token\":\"a b\"}"), "without an access_token"),
        (answer("{\"access_token\":\"a\\r\\nQUIT\"}"), "without an access_token"),
        (answer("<html>"), "without an access_token"), ("", "no token"),
    ]

    @Test("an endpoint that gives none is named, and nothing secret is", arguments: refusals)
    func refusal(_ reply: String, _ words: String) async throws {
        let text = try await onLoops { loops in
            let server = try WebServer(reply, on: loops)
            let broker = TokenBroker(.grant(try Self.grant(server)))
            do throws(TokenError) {
                return try await broker.token(in: .real)
            } catch {
                return error.description
            }
        }
        #expect(text.contains(words) && !text.contains("heim"), "\(text)")
    }

    @Test(
        "a command prints a token, alone or in JSON",
        arguments: [
            ["/bin/echo", "abc"], ["/bin/echo", "{\"access_token\": \"abc\", \"expires_in\": 9}"],
            ["/usr/bin/printf", "abc"], ["/usr/bin/printf", "  abc \\r\\nmore\\n"],
        ]
    )
    func command(_ words: [String]) async throws {
        let token = try await onLoops { _ in
            try await TokenBroker(.command(words)).token(in: .real)
        }
        #expect(token == "abc")
    }

    @Test("no shell reads the words")
    func noShell() throws {
        let printed = try TokenCommand(words: ["/bin/echo", "$HOME;`id`"]).run()
        #expect(printed == "$HOME;`id`\n")
    }

    static let failures: [([String], String)] = [
        (["/bin/false"], "status 1"), (["/nowhere/token"], "cannot be run"),
        (["/bin/sh", "-c", "kill -9 $$"], "was killed"), (["/bin/sleep", "20"], "did not end"),
        (["/usr/bin/yes"], "did not end"),
        // Its child holds the pipe; it ends too.
        (["/bin/sh", "-c", "sleep 20 & wait"], "did not end"),
    ]

    @Test("a command that fails is named, and its time is bounded", arguments: failures)
    func failure(_ words: [String], _ what: String) throws {
        let begun = ContinuousClock.now
        let error = #expect(throws: TokenError.self) {
            _ = try TokenCommand(words: words, limit: .milliseconds(200)).run()
        }
        #expect(error?.description.contains(what) == true, "\(error?.description ?? "")")
        #expect(ContinuousClock.now - begun < .seconds(10))
    }

    @Test("a file is read again at each logon")
    func file() async throws {
        let path = try temporaryFile("one\n")
        let broker = TokenBroker(.file(path))
        let first = try await onLoops { _ in try await broker.token(in: .real) }
        #expect(SecretFile.replace(path, with: "two"))
        let second = try await onLoops { _ in try await broker.token(in: .real) }
        #expect(first == "one" && second == "two")
        let absent = try await onLoops { _ in
            try? await TokenBroker(.file("/nowhere")).token(in: .real)
        }
        #expect(absent == nil)
    }
}
