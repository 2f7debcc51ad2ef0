import Mail
import Net
import Store
import Synchronization
import Testing

@testable import Delivery

private let loops = EventLoops(count: 2)

private let patient: PhaseLimits = {
    var limits = PhaseLimits()
    limits.quit = .milliseconds(500)
    return limits
}()

/// Where a next hop falls silent.
private let quick: PhaseLimits = {
    var limits = PhaseLimits()
    limits.greeting = .milliseconds(1500)
    limits.command = .milliseconds(1500)
    limits.dataStart = .milliseconds(1500)
    limits.afterContent = .milliseconds(1500)
    limits.quit = .milliseconds(200)
    return limits
}()

/// Nobody listens there.
private let deadHost = HostPort(host: "127.0.0.1", port: 1)

private func surroundings(
    names: [String: [String]] = [:],
    exchangers: [String: [(preference: UInt16, host: String)]] = [:],
    port: Int? = nil
) -> Surroundings {
    var world = Surroundings(
        clock: { .now },
        chance: { 0.5 },
        connect: { (peer, source, limit) async throws(StreamError) in
            let real = port.flatMap { SocketAddress(ip: peer.ip ?? "", port: $0) } ?? peer
            return try await Connection.connect(to: real, from: source, within: limit)
        }
    )
    world.addresses = { (host, _) async throws(ResolverError) in
        guard let found = names[host] else { throw .noSuchName }
        return HostAddresses(found)
    }
    world.exchangers = { (domain, _) async throws(ResolverError) in
        guard let found = exchangers[domain] else { throw .noSuchName }
        return MailExchangers(found)
    }
    return world
}

/// What several errands, one after the other on one courier, came to.
private func carry(
    _ errands: [Errand],
    by route: Route,
    in world: Surroundings = surroundings(),
    limits: PhaseLimits = patient,
    content: String = "Subject: x\r\n\r\nhello\r\n"
) async -> [AttemptReport] {
    await loops.next().run {
        let tls = try? route.tlsContext()
        let courier = Courier(
            Manners(route: route, limits: limits, tls: tls),
            surroundings: world,
            health: HealthBook(),
            content: { _ in ContentFeed(whole: Array(content.utf8)) }
        )
        var reports: [AttemptReport] = []
        for errand in errands { reports.append(await courier.carry(errand)) }
        await courier.hangUp()
        return reports
    }
}

private func errand(_ addresses: String..., row: Int64 = 1, octets: Int = 100) -> Errand {
    Errand(
        recipients: addresses.enumerated().map { index, address in
            let parts = address.split(separator: "@").map(String.init)
            var entry = entry(row, index, to: (parts[0], parts[1]))
            entry.octets = octets
            return QueuedRecipient(entry)
        }
    )
}

private func route(
    to hosts: [HostPort],
    _ security: Route.Security = .none,
    credentials: Credentials? = nil,
    caFile: String? = nil
) -> Route {
    Route(
        name: "r",
        hop: .smartHosts(hosts),
        security: security,
        caFile: caFile,
        credentials: credentials,
        helloName: "relay.corp.example"
    )
}

extension Outcome {
    /// "relayed 250", "deferred 0" …
    var short: String {
        switch self {
        case .relayed(let reply): "relayed \(reply.code)"
        case .deferred(let reply): "deferred \(reply.code)"
        case .failed(let reply): "failed \(reply.code)"
        case .uncertain(let reply): "uncertain \(reply.code)"
        case .again: "again"
        }
    }
}

extension Sink.Script {
    static func with(_ change: (inout Self) -> Void) -> Self {
        var script = Self()
        change(&script)
        return script
    }

    static func replying(_ replies: [String: String], pipelining: Bool) -> Self {
        with {
            $0.replies = replies
            if !pipelining { $0.capabilities.removeFirst() }
        }
    }
}

@Suite("A courier's transaction", .timeLimit(.minutes(1)))
struct CourierTransactionTests {
    @Test(
        "comes to what the next hop says to each command, pipelined or not",
        arguments: [
            ([:], ["relayed 250", "relayed 250"]),
            (["MAIL": "451 4.7.1 greylisted"], ["deferred 451", "deferred 451"]),
            (["MAIL": "550 5.7.60 not as this sender"], ["failed 550", "failed 550"]),
            (["RCPT": "550-5.1.1 no\r\n550 5.1.1 such user"], ["failed 550", "failed 550"]),
            (["RCPT TO:<b@": "550 5.1.1 who"], ["failed 550", "relayed 250"]),
            (["RCPT TO:<c@": "450 4.2.1 busy"], ["relayed 250", "deferred 450"]),
            (["RCPT TO:<c@": "452 4.5.3 too many"], ["relayed 250", "again"]),
            (["RCPT": "452 4.5.3 too many"], ["deferred 452", "deferred 452"]),
            (["DATA": "451 4.3.0 no"], ["deferred 451", "deferred 451"]),
            (["DATA": "554 5.5.1 no"], ["failed 554", "failed 554"]),
            ([".": "451 4.3.0 later"], ["deferred 451", "deferred 451"]),
            ([".": "554 5.6.0 never"], ["failed 554", "failed 554"]),
            (
                ["RCPT TO:<b@": "550 5.1.1 who", ".": "452 4.3.1 full"],
                ["failed 550", "deferred 452"]
            ),
        ] as [([String: String], [String])],
        [true, false]
    )
    func outcomes(replies: ([String: String], [String]), pipelining: Bool) async throws {
        let sink = try Sink(.replying(replies.0, pipelining: pipelining), on: loops)
        let reports = await carry(
            // The second errand shows that the connection is still in step.
            [errand("b@x.example", "c@x.example"), errand("b@x.example", "c@x.example", row: 2)],
            by: route(to: [sink.host])
        )
        for report in reports { #expect(report.outcomes.map(\.short) == replies.1) }
        #expect(sink.seen.connections == 1)
    }

    @Test("carries the content as it is, its dots doubled on the way")
    func content() async throws {
        let sink = try Sink(on: loops)
        let content = "Subject: x\r\n\r\n.hidden\r\n..\r\n.\r\nend without a line end"
        _ = await carry([errand("b@x.example")], by: route(to: [sink.host]), content: content)
        #expect(sink.seen.contents == [content.replacing("\r\n.", with: "\r\n..") + "\r\n"])
        #expect(sink.seen.commands.contains("MAIL FROM:<a@corp.example> SIZE=100"))
        #expect(sink.seen.commands.last == "QUIT")
    }

    @Test("carries a large content piece by piece, wherever it is cut")
    func pieces() async throws {
        let sink = try Sink(on: loops)
        let content = Array(String(repeating: ".line\r\n", count: 60_000).utf8)
        let cuts = [0, 1, 6, 7, 100_004, 299_999, 300_000, 419_999, content.count]
        let whole = String(decoding: content, as: UTF8.self)
        let report = await loops.next().run {
            var pieces = zip(cuts, cuts.dropFirst()).map { Array(content[$0..<$1]) }
            let courier = Courier(
                Manners(route: route(to: [sink.host]), limits: patient, tls: nil),
                surroundings: surroundings(),
                health: HealthBook(),
                content: { _ in
                    ContentFeed { () async throws(StoreError) in
                        pieces.isEmpty ? nil : pieces.removeFirst()
                    }
                }
            )
            let report = await courier.carry(errand("b@x.example"))
            await courier.hangUp()
            return report
        }
        #expect(report.outcomes[0].short == "relayed 250")
        let carried = sink.seen.contents.first?.replacing("\r\n..", with: "\r\n.").dropFirst()
        #expect(carried.map { String($0) == whole } == true)
    }

    @Test("after nobody was accepted, the next mail starts clean", arguments: [true, false])
    func reset(pipelining: Bool) async throws {
        let sink = try Sink(
            .replying(["RCPT TO:<b@": "550 5.1.1 who"], pipelining: pipelining),
            on: loops
        )
        let reports = await carry(
            [errand("b@x.example"), errand("c@x.example", row: 2)],
            by: route(to: [sink.host])
        )
        #expect(reports.flatMap(\.outcomes).map(\.short) == ["failed 550", "relayed 250"])
        let commands = sink.seen.commands.map { $0.prefix(4) }
        let between = commands.firstIndex(of: pipelining ? "." : "RSET")
        #expect(between != nil)
    }

    @Test("does not ask for what the next hop cannot do")
    func impossible() async throws {
        let sink = try Sink(.with { $0.capabilities = ["SIZE 1000"] }, on: loops)
        var international = errand("b@x.example").recipients[0].entry
        international.requiresSMTPUTF8 = true
        let reports = await carry(
            [
                errand("b@x.example", octets: 1001),
                Errand(recipients: [QueuedRecipient(international)]),
            ],
            by: route(to: [sink.host])
        )
        #expect(reports.map { $0.outcomes[0].reply?.enhanced } == ["5.3.4", "5.6.7"])
        #expect(reports.flatMap(\.outcomes).allSatisfy { $0.short == "failed 0" })
        #expect(sink.seen.commands.contains { $0.hasPrefix("MAIL") } == false)
    }

    @Test(
        "quota and closing rest the route, and fail nobody",
        arguments: [
            "421 4.4.2 Message submission rate exceeded", "432 4.3.2 concurrent connections limit",
            "530 5.7.57 not authenticated", "550 5.4.5 Daily quota exceeded",
        ]
    )
    func condition(reply: String) async throws {
        let sink = try Sink(.replying(["MAIL": reply], pipelining: true), on: loops)
        let report = await carry([errand("b@x.example")], by: route(to: [sink.host]))[0]
        #expect(report.outcomes[0].short.hasPrefix("deferred"))
        #expect(report.condition?.contains(reply) == true)
    }

    @Test(
        "broken off, it is deferred before the final dot and uncertain after it",
        arguments: ["MAIL", "RCPT", "DATA", "."],
        [true, false]
    )
    func lost(at place: String, silently: Bool) async throws {
        let script = Sink.Script.with {
            $0.capabilities.removeFirst()
            if silently { $0.silentAt = place } else { $0.closesAt = place }
        }
        let sink = try Sink(script, on: loops)
        let report = await carry(
            [errand("b@x.example")],
            by: route(to: [sink.host]),
            limits: silently ? quick : patient
        )[0]
        #expect(report.outcomes[0].short == (place == "." ? "uncertain 0" : "deferred 0"))
        let words = silently ? "no reply in time" : "connection closed by peer"
        #expect(report.outcomes[0].reply?.text.contains(words) == true)
        #expect(sink.seen.connections == 1)
    }

    @Test("content that cannot be read harms neither the next hop nor the worker")
    func unreadable() async throws {
        let sink = try Sink(on: loops)
        let report = await loops.next().run {
            let manners = Manners(route: route(to: [sink.host]), limits: patient, tls: nil)
            var failing = true
            let courier = Courier(
                manners,
                surroundings: surroundings(),
                health: HealthBook(),
                content: { _ in
                    ContentFeed { () async throws(StoreError) in
                        if failing {
                            failing = false
                            throw .damaged("page 7")
                        }
                        return nil
                    }
                }
            )
            let first = await courier.carry(errand("b@x.example"))
            let second = await courier.carry(errand("b@x.example"))
            await courier.hangUp()
            return [first, second]
        }
        #expect(report.flatMap(\.outcomes).map(\.short) == ["deferred 0", "relayed 250"])
        #expect(report[0].outcomes[0].reply?.text.contains("page 7") == true)
        #expect(sink.seen.connections == 1)
    }
}

@Suite("A courier's connection", .timeLimit(.minutes(1)))
struct CourierConnectionTests {
    @Test("is kept for the next mail, up to its limit")
    func reuse() async throws {
        let sink = try Sink(on: loops)
        var route = route(to: [sink.host])
        route.limits.messagesPerConnection = 2
        let reports = await carry((1...5).map { errand("b@x.example", row: $0) }, by: route)
        #expect(reports.flatMap(\.outcomes).allSatisfy { $0.short == "relayed 250" })
        #expect(sink.seen.connections == 3)
        // Nobody waits for the answer to a QUIT, so the last may still be under way.
        #expect(try await eventually { sink.seen.commands.count { $0 == "QUIT" } == 3 })
    }

    @Test("that went stale meanwhile is replaced once, and that is no failure")
    func stale() async throws {
        let sink = try Sink(.with { $0.patience = 1 }, on: loops)
        let reports = await carry(
            (1...3).map { errand("b@x.example", row: $0) },
            by: route(to: [sink.host])
        )
        #expect(reports.flatMap(\.outcomes).allSatisfy { $0.short == "relayed 250" })
        #expect(reports.allSatisfy { $0.condition == nil })
        #expect(sink.seen.connections == 3)
    }

    @Test(
        "is refused, and the next host is asked",
        arguments: [
            Sink.Script.with { $0.greeting = "421 4.3.2 busy" },
            .with { $0.greeting = "554 no SMTP service here" },
            .with { $0.greeting = "HTTP/1.1 400 Bad Request" },
            .with { $0.closesAt = "EHLO" },
            .with { $0.silentAt = "EHLO" },
            .replying(["EHLO": "421 4.3.2 closing"], pipelining: true),
        ]
    )
    func failover(script: Sink.Script) async throws {
        let bad = try Sink(script, on: loops)
        let good = try Sink(on: loops)
        let reports = await carry(
            [errand("b@x.example")],
            by: route(to: [deadHost, bad.host, good.host]),
            limits: script.silentAt == nil ? patient : quick
        )
        #expect(reports[0].outcomes[0].short == "relayed 250")
        #expect(reports[0].outcomes[0].reply?.host == good.host.description)
    }

    @Test(
        "leads to the next host when MAIL is not taken",
        arguments: [
            "421 4.3.2 not now", "451 4.3.0 later", "452 4.3.1 no space", "451 4.7.1 greylisted",
            "530 5.7.57 not authenticated", "550 5.4.5 Daily quota exceeded",
        ],
        [true, false]
    )
    func failover(onMail reply: String, pipelining: Bool) async throws {
        let bad = try Sink(.replying(["MAIL": reply], pipelining: pipelining), on: loops)
        let good = try Sink(on: loops)
        let reports = await carry(
            [errand("b@x.example", "c@x.example"), errand("b@x.example", row: 2)],
            by: route(to: [bad.host, deadHost, good.host])
        )
        #expect(reports.flatMap(\.outcomes).allSatisfy { $0.short == "relayed 250" })
        #expect(reports.allSatisfy { $0.condition == nil })
        #expect(bad.seen.connections == 1, "the next mail goes where the first one went")
        #expect(good.seen.contents.count == 2)
    }

    @Test("leads to the next host when MAIL breaks it off", arguments: [true, false])
    func failover(silently: Bool) async throws {
        let bad = try Sink(
            .with { if silently { $0.silentAt = "MAIL" } else { $0.closesAt = "MAIL" } },
            on: loops
        )
        let good = try Sink(on: loops)
        let report = await carry(
            [errand("b@x.example")],
            by: route(to: [bad.host, good.host]),
            limits: silently ? quick : patient
        )[0]
        #expect(report.outcomes[0].short == "relayed 250")
        #expect(report.outcomes[0].reply?.host == good.host.description)
    }

    @Test(
        "leads nowhere else when MAIL is refused for good, or a recipient is not taken",
        arguments: [
            ("MAIL", "550 5.7.60 not as this sender"), ("RCPT", "450 4.2.1 busy"),
            ("RCPT", "550 5.1.1 who"), ("DATA", "451 4.3.0 no"), (".", "451 4.3.0 later"),
        ]
    )
    func noFailover(command: String, reply: String) async throws {
        let bad = try Sink(.replying([command: reply], pipelining: true), on: loops)
        let good = try Sink(on: loops)
        let report = await carry(
            [errand("b@x.example")],
            by: route(to: [bad.host, good.host])
        )[0]
        #expect(report.outcomes[0].reply?.code == Int(reply.prefix(3)))
        #expect(good.seen.connections == 0)
    }

    @Test(
        "rests the route only where every host has a condition of its own",
        arguments: [
            (["421 4.3.2 not now", "530 5.7.57 log on"], "530 5.7.57 log on", true),
            (["421 4.3.2 not now", "451 4.7.1 greylisted"], "451 4.7.1 greylisted", false),
            (["451 4.7.1 greylisted", "421 4.3.2 not now"], "421 4.3.2 not now", false),
            (["421 4.3.2 not now"], "421 4.3.2 not now", true),
            (["451 4.7.1 greylisted"], "451 4.7.1 greylisted", false),
        ] as [([String], String, Bool)]
    )
    func allRefuse(replies: [String], last: String, isCondition: Bool) async throws {
        let sinks = try replies.map {
            try Sink(.replying(["MAIL": $0], pipelining: true), on: loops)
        }
        let report = await carry(
            [errand("b@x.example")],
            // That the last one cannot be reached says less than what the others said.
            by: route(to: sinks.map(\.host) + [deadHost])
        )[0]
        #expect(report.outcomes[0].short == "deferred \(last.prefix(3))")
        #expect((report.condition != nil) == isCondition)
        #expect(sinks.allSatisfy { $0.seen.connections == 1 })
    }

    @Test("to one domain's exchanger may have its troubles, and the route goes on")
    func exchangerCondition() async throws {
        let sink = try Sink(.replying(["MAIL": "421 4.7.0 slow down"], pipelining: true), on: loops)
        var route = route(to: [])
        route.hop = .mailExchangers
        let report = await carry(
            [errand("b@x.example")],
            by: route,
            in: surroundings(
                names: ["mx.x.example": ["127.0.0.1"]],
                exchangers: ["x.example": [(10, "mx.x.example")]],
                port: sink.host.port
            )
        )[0]
        #expect(report.outcomes[0].short == "deferred 421")
        #expect(report.condition == nil)
    }

    @Test("to nobody: deferred with the reason, and the route rests until a host may be tried")
    func allDead() async throws {
        let reports = await carry(
            [errand("b@x.example"), errand("b@x.example")],
            by: route(to: [deadHost])
        )
        for report in reports {
            let reply = report.outcomes[0].reply
            #expect(report.outcomes[0].short == "deferred 0")
            #expect(reply?.text == "connect to \(deadHost): connection refused")
            #expect(reply?.enhanced == "4.4.1")
            #expect(report.condition != nil)
            #expect(report.restUntil.map { $0 > .now } == true)
        }
    }

    @Test("says HELO to whom EHLO means nothing")
    func helo() async throws {
        let sink = try Sink(.replying(["EHLO": "502 what"], pipelining: true), on: loops)
        let reports = await carry([errand("b@x.example")], by: route(to: [sink.host]))
        #expect(reports[0].outcomes[0].short == "relayed 250")
        #expect(
            sink.seen.commands.prefix(3) == [
                "EHLO relay.corp.example", "HELO relay.corp.example", "MAIL FROM:<a@corp.example>",
            ]
        )
    }
}

@Suite("A courier's privacy", .timeLimit(.minutes(1)))
struct CourierPrivacyTests {
    static func tls() throws -> TLSServerContext {
        try TLSServerContext(
            certificatePEM: TestCertificate.certificate,
            keyPEM: TestCertificate.key
        )
    }

    @Test(
        "is as the route demands",
        arguments: [
            (Route.Security.none, true, "relayed", false), (.opportunistic, true, "relayed", true),
            (.opportunistic, false, "relayed", false), (.required, true, "relayed", true),
            (.required, false, "deferred", false), (.verified, true, "relayed", true),
            (.verified, false, "deferred", false),
        ]
    )
    func levels(security: Route.Security, offered: Bool, outcome: String, isPrivate: Bool)
        async throws
    {
        let tls = offered ? try Self.tls() : nil
        let sink = try Sink(.with { $0.tls = tls }, on: loops)
        let caFile = try temporaryFile(TestCertificate.certificate)
        let report = await carry(
            [errand("b@x.example")],
            by: route(to: [sink.host], security, caFile: security == .verified ? caFile : nil)
        )[0]
        #expect(report.outcomes[0].short.hasPrefix(outcome), "\(report.outcomes)")
        #expect((report.facts?.tls?.version != nil) == isPrivate)
    }

    @Test("implicit from the first octet")
    func implicit() async throws {
        let tls = try Self.tls()
        let sink = try Sink(
            .with {
                $0.tls = tls
                $0.isImplicit = true
            },
            on: loops
        )
        let caFile = try temporaryFile(TestCertificate.certificate)
        let trusted = route(to: [sink.host], .implicit, caFile: caFile)
        let reports = await carry([errand("b@x.example")], by: trusted)
        #expect(reports[0].outcomes[0].short == "relayed 250")
        let untrusted = await carry([errand("b@x.example")], by: route(to: [sink.host], .implicit))
        #expect(untrusted[0].outcomes[0].short == "deferred 0")
    }

    @Test("a certificate nobody vouches for is refused when verified")
    func unverified() async throws {
        let tls = try Self.tls()
        let sink = try Sink(.with { $0.tls = tls }, on: loops)
        let report = await carry([errand("b@x.example")], by: route(to: [sink.host], .verified))[0]
        #expect(report.outcomes[0].short == "deferred 0")
        #expect(report.phase == .handshake)
        #expect(!sink.seen.commands.contains { $0.hasPrefix("MAIL") })
    }

    @Test(
        "octets behind the 220 to STARTTLS end the connection",
        arguments: [
            Route.Security.required, .opportunistic,
        ]
    )
    func injection(security: Route.Security) async throws {
        let tls = try Self.tls()
        let sink = try Sink(
            .with {
                $0.tls = tls
                $0.injected = "250-sink\r\n250 AUTH PLAIN\r\n"
            },
            on: loops
        )
        let report = await carry([errand("b@x.example")], by: route(to: [sink.host], security))[0]
        #expect(report.outcomes[0].short == "deferred 0")
        #expect(report.outcomes[0].reply?.text.contains("STARTTLS") == true)
        #expect(!sink.seen.commands.contains { $0.hasPrefix("MAIL") })
    }

    @Test("a handshake that fails costs an opportunistic route the privacy, not the mail")
    func brokenHandshake() async throws {
        let sink = try Sink(
            .with {
                $0.capabilities.append("STARTTLS")
                $0.replies = ["STARTTLS": "220 but not really"]
            },
            on: loops
        )
        let easy = await carry([errand("b@x.example")], by: route(to: [sink.host], .opportunistic))
        #expect(easy[0].outcomes[0].short == "relayed 250")
        let strict = await carry([errand("b@x.example")], by: route(to: [sink.host], .required))
        #expect(strict[0].outcomes[0].short == "deferred 0")
    }
}

@Suite("A courier's logon", .timeLimit(.minutes(1)))
struct CourierLogonTests {
    private static func login(_ mechanism: Credentials.Mechanism) -> Credentials {
        Credentials(mechanism: mechanism, username: "user", password: "pass")
    }

    @Test(
        "uses what is configured, or its equal",
        arguments: [
            (Credentials.Mechanism.plain, "AUTH PLAIN LOGIN", ["AUTH PLAIN AHVzZXIAcGFzcw=="]),
            (.login, "AUTH PLAIN LOGIN", ["AUTH LOGIN", "dXNlcg==", "cGFzcw=="]),
            (.plain, "AUTH NTLM LOGIN", ["AUTH LOGIN", "dXNlcg==", "cGFzcw=="]),
        ]
    )
    func mechanisms(mechanism: Credentials.Mechanism, offer: String, words: [String]) async throws {
        let sink = try Sink(
            .with {
                $0.capabilities.append(offer)
                $0.replies = [
                    "AUTH LOGIN": "334 VXNlcm5hbWU6", "dXNlcg==": "334 UGFzc3dvcmQ6",
                    "cGFzcw==": "235 2.7.0 in",
                ]
            },
            on: loops
        )
        let report = await carry(
            [errand("b@x.example")],
            by: route(to: [sink.host], credentials: Self.login(mechanism))
        )[0]
        #expect(report.outcomes[0].short == "relayed 250")
        #expect(Array(sink.seen.commands.dropFirst().prefix(words.count)) == words)
    }

    @Test(
        "refused: the route rests, the mail waits, and nobody says the password",
        arguments: [
            (["AUTH PLAIN"], ["AUTH": "535 5.7.3 Authentication unsuccessful"]),
            (["AUTH PLAIN"], ["AUTH": "454 4.7.0 Temporary failure"]),
            (["AUTH GSSAPI"], [:]), ([], [:]),
        ] as [([String], [String: String])]
    )
    func refusal(offers: [String], replies: [String: String]) async throws {
        let sink = try Sink(
            .with {
                $0.capabilities += offers
                $0.replies = replies
            },
            on: loops
        )
        let credentials = Self.login(.plain)
        let report = await carry(
            [errand("b@x.example")],
            by: route(to: [sink.host], credentials: credentials)
        )[0]
        #expect(report.outcomes[0].short.hasPrefix("deferred"))
        #expect(report.condition != nil)
        #expect("\(credentials) \(report)".contains("pass\"") == false)
        #expect(!sink.seen.commands.contains { $0.hasPrefix("MAIL") })
    }
}

@Suite("A courier's way to a domain", .timeLimit(.minutes(1)))
struct CourierExchangerTests {
    private static let route = Route(
        name: "mx",
        hop: .mailExchangers,
        security: .none,
        helloName: "us"
    )

    @Test("goes by preference, over dead exchangers, or to the domain itself")
    func order() async throws {
        let sink = try Sink(on: loops)
        let world = surroundings(
            names: ["good": ["127.0.0.1"], "plain.example": ["127.0.0.1"]],
            exchangers: [
                "x.example": [(20, "good"), (10, "gone")], "plain.example": [],
            ],
            port: sink.host.port
        )
        let reports = await carry(
            [errand("b@x.example"), errand("b@plain.example", row: 2)],
            by: Self.route,
            in: world
        )
        #expect(reports.flatMap(\.outcomes).map(\.short) == ["relayed 250", "relayed 250"])
        #expect(reports[0].outcomes[0].reply?.host == "good [127.0.0.1]:25")
        #expect(sink.seen.connections == 2)
    }

    @Test(
        "that does not exist is a failure at once",
        arguments: [
            ("nowhere.example", "5.1.2"), ("null.example", "5.1.10"), ("ours.example", "5.4.6"),
            ("homeless.example", "5.4.4"), ("dangling.example", "5.4.4"),
        ]
    )
    func nowhere(domain: String, enhanced: String) async {
        let world = surroundings(exchangers: [
            "null.example": [(0, ".")], "ours.example": [(10, "us"), (20, "backup")],
            "homeless.example": [], "dangling.example": [(10, "gone1"), (20, "gone2")],
        ])
        let report = await carry([errand("b@\(domain)")], by: Self.route, in: world)[0]
        #expect(report.outcomes[0].short == "failed 0")
        #expect(report.outcomes[0].reply?.enhanced == enhanced)
        #expect(report.condition == nil)
    }

    @Test("that greets by our own name leads no further down the list")
    func ourself() async throws {
        let sink = try Sink(.replying(["EHLO": "250 US"], pipelining: false), on: loops)
        let world = surroundings(
            names: ["front": ["127.0.0.1"], "back": ["127.0.0.1"], "dead": ["127.0.0.2"]],
            exchangers: [
                "x.example": [(10, "front"), (20, "back")],
                "y.example": [(10, "dead"), (20, "front")],
            ],
            port: sink.host.port
        )
        let reports = await carry(
            [errand("b@x.example"), errand("b@y.example", row: 2)],
            by: Self.route,
            in: world
        )
        #expect(reports[0].outcomes[0].short == "failed 0")
        #expect(reports[0].outcomes[0].reply?.enhanced == "5.4.6")
        #expect(reports[1].outcomes[0].short == "deferred 0", "a better one may come back")
        #expect(sink.seen.connections == 2)
    }

    @Test("whose first exchanger is the last one's is served over the same connection")
    func sharedExchanger() async throws {
        let sink = try Sink(on: loops)
        let world = surroundings(
            names: ["mx": ["127.0.0.1"], "other": ["127.0.0.1"]],
            exchangers: [
                "x.example": [(10, "mx")], "y.example": [(5, "mx"), (7, "other")],
                "z.example": [(5, "other"), (7, "mx")],
            ],
            port: sink.host.port
        )
        let reports = await carry(
            ["x", "y", "x", "z"].enumerated().map {
                errand("b@\($1).example", row: Int64($0 + 1))
            },
            by: Self.route,
            in: world
        )
        #expect(reports.flatMap(\.outcomes).allSatisfy { $0.short == "relayed 250" })
        #expect(sink.seen.connections == 2)
    }

    @Test("that cannot be looked up is not looked up for each mail")
    func lookupFailure() async throws {
        let asked = Mutex(0)
        var world = surroundings()
        world.exchangers = { (_, _) async throws(ResolverError) in
            asked.withLock { $0 += 1 }
            throw .timedOut
        }
        let reports = await carry(
            (1...5).map { errand("b@x.example", row: $0) },
            by: Self.route,
            in: world
        )
        #expect(reports.flatMap(\.outcomes).allSatisfy { $0.short == "deferred 0" })
        #expect(reports.allSatisfy { $0.outcomes[0].reply?.enhanced == "4.4.3" })
        #expect(asked.withLock { $0 } == 1)
    }

    @Test("from a source address goes to addresses of its family only")
    func sourceFamily() async throws {
        let sink = try Sink(on: loops)
        var route = Self.route
        route.sourceAddress = "127.0.0.9"
        let world = surroundings(
            names: ["mx": ["::1", "127.0.0.1"], "six": ["::1"]],
            exchangers: ["x.example": [(10, "mx")], "y.example": [(10, "six")]],
            port: sink.host.port
        )
        let reports = await carry(
            [errand("b@x.example"), errand("b@y.example", row: 2)],
            by: route,
            in: world
        )
        #expect(reports[0].outcomes[0].reply?.host == "mx [127.0.0.1]:25")
        #expect(reports[1].outcomes[0].short == "failed 0")
    }

    @Test("an address literal needs no name server")
    func literal() async throws {
        let sink = try Sink(on: loops)
        let world = surroundings(port: sink.host.port)
        let reports = await carry([errand("b@[127.0.0.1]")], by: Self.route, in: world)
        #expect(reports[0].outcomes[0].short == "relayed 250")
    }
}
