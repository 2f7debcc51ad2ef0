import Mail
import Store
import Testing
import Wire

@testable import Gateway

private func message(_ text: String, to: String = "ops@corp.example", more: String = "") -> String {
    "{\"from\":\"app@corp.example\",\"to\":\"\(to)\",\"text\":\"\(text)\"\(more)}"
}

@Suite("The API over a real store")
struct APITests {
    private static let damaged =
        ",\"attachments\":[{\"filename\":\"a\",\"content\":\"QUJD\"},{\"content\":\"%%%%\"}]"

    @Test("a partly taken batch answers its idempotency key as before and keeps nothing twice")
    func partialIdempotency() async throws {
        let counter = try await Counter()
        let batch =
            "{\"messages\":[\(message("a")),\(message("b", to: "x@other.example")),{\"to\":1}]}"
        let target = "/v1/messages/batch?mode=partial"
        let first = try await counter.ask(.post, target, batch, ["Idempotency-Key": "\"k\""])
        let second = try await counter.ask(.post, target, batch, ["Idempotency-Key": "\"k\""])
        #expect(first.status == 202 && second.status == 202)
        #expect(second.fields["Idempotency-Replayed"] == "true" && second.json == first.json)
        let codes = first.json["data"].elements.map { $0["code"].text }
        #expect(codes == ["", "recipient_not_allowed", "validation_failed"])
        #expect(counter.drawer.store.unfinishedMessages == 1)
    }

    @Test("of a partly taken batch, a message with a damaged attachment is not kept")
    func damagedAttachment() async throws {
        let counter = try await Counter()
        let batch = "{\"messages\":[\(message("a", more: Self.damaged)),\(message("b"))]}"
        let answer = try await counter.ask(.post, "/v1/messages/batch?mode=partial", batch)
        let data = answer.json["data"].elements
        #expect(data.map { $0["code"].text } == ["validation_failed", ""])
        #expect(
            data[0]["errors"].elements.map { $0["pointer"].text }
                == ["/messages/0/attachments/1/content"]
        )
        #expect(counter.drawer.store.unfinishedMessages == 1)
    }

    @Test("an error in a batch of lines says in which line, and nothing is kept")
    func lines() async throws {
        let counter = try await Counter()
        let type = ["Content-Type": "application/x-ndjson"]
        let broken = [message("a"), message("b"), "{\"from\": nobody}"].joined(separator: "\n")
        let answer = try await counter.ask(.post, "/v1/messages/batch", broken, type)
        #expect(answer.status == 400 && answer.code == "invalid_json")
        #expect(answer.json["detail"].text.hasPrefix("line 3, column 10"))
        #expect(answer.pointers == ["/messages/2/from"])
        let wrong = [message("a"), message("b", more: Self.damaged)].joined(separator: "\r\n")
        let other = try await counter.ask(.post, "/v1/messages/batch", wrong, type)
        #expect(other.status == 422 && other.pointers == ["/messages/1/attachments/1/content"])
        #expect(counter.drawer.store.unfinishedMessages == 0)
    }

    @Test("a batch has one to 500 messages", arguments: [0, 1, 500, 501])
    func batchSize(count: Int) async throws {
        let counter = try await Counter()
        let items = (0..<count).map { message("\($0)") }
        let list = "{\"messages\":[\(items.joined(separator: ","))]}"
        let lines = items.joined(separator: "\n")
        let expected = (1...500).contains(count) ? 202 : 422
        #expect(try await counter.ask(.post, "/v1/messages/batch", list).status == expected)
        let type = ["Content-Type": "application/x-ndjson"]
        #expect(try await counter.ask(.post, "/v1/messages/batch", lines, type).status == expected)
    }

    @Test("every answer to a key with a rate tells how it stands")
    func rate() async throws {
        let counter = try await Counter(rate: 2)
        #expect(try await counter.ask(.get, "/v1/me").fields["RateLimit"] == "\"default\";r=2;t=0")
        let refused = try await counter.ask(
            .post,
            "/v1/messages",
            message("a", to: "x@other.example")
        )
        #expect(refused.status == 403 && refused.fields["RateLimit"] == "\"default\";r=1;t=0")
        let kept = try await counter.ask(.post, "/v1/messages", message("a"))
        #expect(kept.status == 202 && kept.fields["RateLimit"] == "\"default\";r=0;t=30")
        let late = try await counter.ask(.post, "/v1/messages", message("a"))
        #expect(late.status == 429 && late.fields["Retry-After"] == "30")
        #expect(late.fields["RateLimit-Policy"] == "\"default\";q=2;w=60")
    }

    @Test("no application bears the name under which administrators' keys are issued")
    func administratorsName() async throws {
        let counter = try await Counter()
        let made = try await counter.ask(
            .post,
            "/v1/applications",
            "{\"name\":\"-\"}",
            isAdministrator: true
        )
        #expect(made.status == 422 && made.pointers == ["/name"])
    }

    @Test("an overlap longer than a century is refused")
    func overlap() async throws {
        let counter = try await Counter()
        let id = "key_" + counter.key.dropFirst(5).prefix(12)
        let answer = try await counter.ask(
            .post,
            "/v1/applications/backup/keys/\(id)/rotate",
            "{\"overlap\":\"106751991167d\"}",
            isAdministrator: true
        )
        #expect(answer.status == 422 && answer.pointers == ["/overlap"])
    }

    @Test("content that is no longer kept is 404, not an empty mail")
    func sweptContent() async throws {
        let counter = try await Counter()
        let id = try await counter.ask(.post, "/v1/messages", message("a")).json["id"].text
        _ = try await counter.ask(.post, "/v1/messages/\(id)/cancel")
        let later = Counter.start + .seconds(60)
        _ = try await counter.drawer.store.sweep(
            contentBefore: later,
            historyBefore: Counter.start,
            limit: 100
        )
        let answer = try await counter.ask(.get, "/v1/messages/\(id)/source")
        #expect(answer.status == 404 && answer.code == "not_found")
    }
}

@Suite("The directory of applications and keys")
struct DirectoryTests {
    @Test("keys revoked at the same time all end, whichever reading comes back last")
    func concurrentRevocation() async throws {
        let counter = try await Counter()
        let gateway = counter.api.gateway
        let application = ApplicationID(high: 1, low: 1)
        var keys: [String] = []
        for _ in 0..<40 { keys.append(try await Counter.issueKey(gateway, for: application)) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for key in keys {
                group.addTask {
                    let id = String(key.dropFirst(5).prefix(12))
                    try await gateway.store.revoke(id, at: Counter.start)
                    try await gateway.directory.reload()
                }
            }
            try await group.waitForAll()
        }
        for key in keys {
            #expect(throws: CredentialError.invalid) {
                try gateway.directory.identify(key, from: .loopback, at: Counter.start)
            }
        }
    }

    @Test("an identity renewed is as the store has it now")
    func renewal() async throws {
        let counter = try await Counter()
        let directory = counter.api.directory
        let known = try directory.identify(counter.key, from: .loopback, at: Counter.start)
        var record = try #require(known.application)
        record.senders = ["a@corp.example"]
        try await counter.drawer.store.update(record)
        try await directory.reload()
        let renewed = try directory.renewed(known, from: .loopback, at: Counter.start)
        #expect(renewed.application?.senders == ["a@corp.example"])
        record.ipRanges = ["192.0.2.1"]
        try await counter.drawer.store.update(record)
        try await directory.reload()
        #expect(throws: CredentialError.addressNotAllowed) {
            try directory.renewed(known, from: .loopback, at: Counter.start)
        }
        try await counter.drawer.store.remove(record.id)
        try await directory.reload()
        #expect(throws: CredentialError.invalid) {
            try directory.renewed(known, from: .loopback, at: Counter.start)
        }
    }
}
