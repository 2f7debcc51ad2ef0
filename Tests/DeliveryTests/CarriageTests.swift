import Mail
import Net
import Store
import Testing

@testable import Delivery

private let carriers = EventLoops(count: 1)

private let world = Surroundings(
    clock: { .now },
    chance: { 0.5 },
    connect: { (peer, source, limit) async throws(StreamError) in
        try await Connection.connect(to: peer, from: source, within: limit)
    }
)

@Suite("The form in which a mail goes out", .timeLimit(.minutes(1)))
struct CarriageTests {
    /// Content in pieces of a few octets, to one next hop after the other.
    private func deliver(
        _ content: String,
        _ traits: ContentTraits,
        to sinks: Sink...,
        change: (inout QueueEntry) -> Void = { _ in }
    ) async -> AttemptReport {
        var queued = entry(1)
        queued.traits = traits
        queued.octets = content.utf8.count
        change(&queued)
        let errand = Errand(recipients: [QueuedRecipient(queued)])
        let hosts = sinks.map(\.host)
        return await carriers.next().run {
            let route = Route(
                name: "r",
                hop: .smartHosts(hosts),
                security: .none,
                helloName: "relay"
            )
            let courier = Courier(
                Manners(route: route, limits: PhaseLimits(), tls: nil),
                surroundings: world,
                health: HealthBook(),
                content: { _ in
                    var rest = Array(content.utf8)[...]
                    return ContentFeed { () async throws(StoreError) in
                        guard !rest.isEmpty else { return nil }
                        defer { rest = rest.dropFirst(7) }
                        return Array(rest.prefix(7))
                    }
                }
            )
            let report = await courier.carry(errand)
            await courier.hangUp()
            return report
        }
    }

    private func sink(_ capabilities: String..., replies: [String: String] = [:]) throws -> Sink {
        try Sink(
            .with {
                $0.capabilities = capabilities
                $0.replies = replies
            },
            on: carriers
        )
    }

    private func mail(to sink: Sink) -> String? {
        sink.seen.commands.first { $0.hasPrefix("MAIL") }
    }

    private static let grown = "Subject: x\r\n\r\nGr\u{fc}\u{df}e an alle\r\n"

    @Test("an 8-bit mail goes as it is to a next hop with 8BITMIME, and as ASCII to one without")
    func eightBit() async throws {
        let new = try sink("PIPELINING", "8BITMIME", "SIZE 1000")
        #expect(
            await deliver(Self.grown, .is8Bit, to: new).outcomes.map(\.short) == ["relayed 250"]
        )
        #expect(mail(to: new) == "MAIL FROM:<a@corp.example> SIZE=31 BODY=8BITMIME")
        #expect(new.seen.contents == [Self.grown])

        let old = try sink("PIPELINING", "SIZE 1000")
        #expect(
            await deliver(Self.grown, .is8Bit, to: old).outcomes.map(\.short) == ["relayed 250"]
        )
        #expect(mail(to: old) == "MAIL FROM:<a@corp.example>")
        #expect(old.seen.contents[0].contains("\r\n\r\nGr=C3=BC=C3=9Fe an alle\r\n"))
        #expect(old.seen.contents[0].utf8.allSatisfy { $0 < 0x80 })
    }

    @Test("a line of more than 998 octets goes to no next hop")
    func longLines() async throws {
        let sink = try sink("PIPELINING", "8BITMIME")
        let content = "Subject: x\r\n\r\n" + String(repeating: "x", count: 3000) + "\r\n"
        _ = await deliver(content, .hasLongLines, to: sink)
        let lines = sink.seen.contents[0].split(separator: "\r\n")
        #expect(lines.allSatisfy { $0.utf8.count <= 998 } && lines.count > 30)
    }

    @Test(
        "binary content goes in chunks to who takes it, and never by DATA",
        arguments: [true, false]
    )
    func binary(pipelining: Bool) async throws {
        let content = "Subject: x\r\n\r\na\nb\r.\r\n.\r\nc"
        let offers = ["CHUNKING", "BINARYMIME", "8BITMIME"] + (pipelining ? ["PIPELINING"] : [])
        let new = try Sink(.with { $0.capabilities = offers }, on: carriers)
        #expect(await deliver(content, .isBinary, to: new).outcomes.map(\.short) == ["relayed 250"])
        #expect(mail(to: new) == "MAIL FROM:<a@corp.example> BODY=BINARYMIME")
        #expect(new.seen.contents == [content])
        #expect(new.seen.commands.contains("DATA") == false)
        #expect(new.seen.commands.contains("BDAT 7") && new.seen.commands.contains("BDAT 4 LAST"))

        let old = try sink("CHUNKING", "8BITMIME")
        _ = await deliver(content, .isBinary, to: old)
        #expect(mail(to: old) == "MAIL FROM:<a@corp.example>")
        #expect(
            old.seen.contents[0].hasSuffix(
                "base64\r\nMIME-Version: 1.0\r\n\r\nYQpiDS4NCi4NCmM=\r\n"
            )
        )
    }

    @Test("a chunk that is refused ends the mail, not the connection")
    func refusedChunk() async throws {
        let sink = try sink("CHUNKING", "BINARYMIME", replies: ["BDAT 7": "552 5.3.4 too large"])
        let content = "Subject: x\r\n\r\n" + String(repeating: "\n", count: 50)
        #expect(await deliver(content, .isBinary, to: sink).outcomes.map(\.short) == ["failed 552"])
        #expect(sink.seen.commands.count { $0.hasPrefix("BDAT") } == 1)
        #expect(sink.seen.contents.isEmpty && sink.seen.commands.last == "QUIT")
    }

    @Test("who takes chunks gets them without dots doubled and without waiting for leave")
    func chunks() async throws {
        let sink = try sink("PIPELINING", "CHUNKING", "SIZE 1000")
        let content = "Subject: x\r\n\r\n.hidden\nbare\r\n.\r\nno end"
        #expect(
            await deliver(content, [], to: sink).outcomes.map(\.short) == ["relayed 250"]
        )
        #expect(
            sink.seen.contents
                == ["Subject: x\r\n\r\n.hidden\r\nbare\r\n.\r\nno end\r\n"]
        )
        #expect(!sink.seen.commands.contains("DATA"))
        #expect(sink.seen.commands.last { $0.hasPrefix("BDAT") }?.hasSuffix("LAST") == true)
    }

    @Test(
        "a refused chunk settles the mail, and the conversation stays in step",
        arguments: [true, false]
    )
    func refusedChunk(pipelining: Bool) async throws {
        let offers = pipelining ? ["PIPELINING", "CHUNKING"] : ["CHUNKING"]
        let sink = try Sink(
            .with {
                $0.capabilities = offers
                $0.replies = ["BDAT": "552 5.3.4 too much"]
            },
            on: carriers
        )
        let report = await deliver(
            "Subject: x\r\n\r\n" + String(repeating: "line\r\n", count: 40),
            [],
            to: sink
        )
        #expect(report.outcomes.map(\.short) == ["failed 552"])
        #expect(sink.seen.commands.last == "QUIT", "an answer was read for each chunk")
    }

    @Test("a connection lost behind the last chunk leaves the mail uncertain")
    func lostBehindTheLastChunk() async throws {
        let sink = try Sink(
            .with {
                $0.capabilities = ["PIPELINING", "CHUNKING"]
                $0.closesAt = "BDAT 5 LAST"
            },
            on: carriers
        )
        // Pieces of seven octets: the last has three, and the line gets its end.
        let report = await deliver("Subject: x\r\n\r\nabc", [], to: sink)
        #expect(report.outcomes.map(\.short) == ["uncertain 0"])
    }

    @Test("what the sender wants to hear is passed on to who offers DSN")
    func reports() async throws {
        let wish = DSNRequest(
            returns: .headers,
            envelopeID: EnvelopeID(text: "q+1"),
            recipient: DSNRecipient(
                notify: [.success, .delay],
                originalRecipient: OriginalRecipient(field: "rfc822;b=c@corp.example")
            )
        )
        let new = try sink("DSN")
        _ = await deliver("a\r\n", [], to: new) { $0.dsn = wish }
        #expect(mail(to: new) == "MAIL FROM:<a@corp.example> RET=HDRS ENVID=q+2B1")
        let rcpt = "RCPT TO:<b@corp.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;b+3Dc@corp.example"
        #expect(new.seen.commands.contains(rcpt))

        let old = try sink("8BITMIME")
        _ = await deliver("a\r\n", [], to: old) { $0.dsn = wish }
        #expect(mail(to: old) == "MAIL FROM:<a@corp.example>")
        #expect(old.seen.commands.contains("RCPT TO:<b@corp.example>"))
    }

    @Test("a mail that needs SMTPUTF8 goes to the first host that offers it, else it fails")
    func international() async throws {
        let old = try sink("8BITMIME")
        let new = try sink("8BITMIME", "SMTPUTF8")
        let traits: ContentTraits = [.is8Bit, .hasRawHeader, .isInternational]
        let report = await deliver(Self.grown, traits, to: old, new) { $0.requiresSMTPUTF8 = true }
        #expect(report.outcomes.map(\.short) == ["relayed 250"])
        #expect(mail(to: new) == "MAIL FROM:<a@corp.example> BODY=8BITMIME SMTPUTF8")
        #expect(mail(to: old) == nil)
        let failed = await deliver(Self.grown, traits, to: old) { $0.requiresSMTPUTF8 = true }
        #expect(failed.outcomes.map { $0.reply?.enhanced } == ["5.6.7"])
        #expect(failed.outcomes.map(\.short) == ["failed 0"])

        // A host that could not be asked may have it.
        new.stop()
        let gone = try sink("SMTPUTF8")
        gone.stop()
        let waiting = await deliver(Self.grown, traits, to: old, gone) {
            $0.requiresSMTPUTF8 = true
        }
        #expect(waiting.outcomes.map(\.short) == ["deferred 0"])
    }

    @Test("a mail declared SMTPUTF8 whose addresses are ASCII goes to anyone, its header encoded")
    func declared() async throws {
        let content = "Subject: Gr\u{fc}\u{df}e\r\n\r\nx\r\n"
        let old = try sink("8BITMIME")
        let traits: ContentTraits = [.is8Bit, .hasRawHeader, .isInternational]
        let report = await deliver(content, traits, to: old)
        #expect(report.outcomes.map(\.short) == ["relayed 250"])
        #expect(old.seen.contents == ["Subject: =?utf-8?b?R3LDvMOfZQ==?=\r\n\r\nx\r\n"])
        let new = try sink("8BITMIME", "SMTPUTF8")
        _ = await deliver(content, traits, to: new)
        #expect(mail(to: new) == "MAIL FROM:<a@corp.example> BODY=8BITMIME SMTPUTF8")
        #expect(new.seen.contents == [content])
    }

    @Test("what the gateway added does not count against a route's own limit")
    func routeLimit() async throws {
        let sink = try sink("8BITMIME")
        for (octets, expected) in [(3048, "relayed 250"), (3049, "failed 0")] {
            var queued = entry(1)
            queued.octets = octets
            let errand = Errand(recipients: [QueuedRecipient(queued)], fresh: Array("a\r\n".utf8))
            let report = await carriers.next().run {
                var route = Route(
                    name: "r",
                    hop: .smartHosts([sink.host]),
                    security: .none,
                    helloName: "relay"
                )
                route.limits.messageSize = 1000
                let courier = Courier(
                    Manners(route: route, limits: PhaseLimits(), tls: nil),
                    surroundings: world,
                    health: HealthBook(),
                    content: { _ in ContentFeed(whole: []) }
                )
                let report = await courier.carry(errand)
                await courier.hangUp()
                return report
            }
            #expect(report.outcomes.map(\.short) == [expected])
        }
    }
}
