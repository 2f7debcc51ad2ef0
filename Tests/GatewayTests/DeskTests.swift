import Glibc
import Mail
import Policy
import Store
import Testing

@testable import Gateway

/// A real store in a directory of its own, removed at the end.
final class Drawer: Sendable {
    let directory: String
    let store: MailStore

    init() throws {
        var name = Array("/var/tmp/postern-gateway-XXXXXX".utf8CString)
        guard mkdtemp(&name) != nil else { fatalError("no temporary directory") }
        directory = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        store = try MailStore(directory: directory, settings: StoreSettings(log: { _ in }))
    }

    deinit {
        store.close()
        for name in ["sqlite3", "sqlite3-wal", "sqlite3-shm", "lock"] {
            unlink(directory + "/postern." + name)
        }
        unlink(directory + "/credentials.key")
        rmdir(directory)
    }

    func content(of id: MessageID) async throws -> [UInt8] {
        let record = try #require(try await store.message(id))
        let reader = store.content(of: record.key)
        var octets: [UInt8] = []
        while let piece = try await reader.next() { octets += piece }
        return octets
    }
}

@Suite("The desk, with a real store")
struct DeskTests {
    private static let now = Timestamp(milliseconds: 1_700_000_000_000)

    private static func rules() -> Rulebook {
        Rulebook(
            receiveConnectors: [],
            acceptedDomains: [
                AcceptedDomain(domain: .exactly("corp.example"), kind: .authoritative)
            ],
            sendConnectors: [SendConnector(name: "Exchange", addressSpaces: [.any])]
        )
    }

    private func offer(to names: [String], number: UInt64 = 1, sendAt: Timestamp? = nil) -> Offer {
        let recipients = names.map { Mailbox(localPart: $0, domain: "corp.example") }
        return offer(toMailboxes: recipients, number: number, sendAt: sendAt)
    }

    private func offer(
        toMailboxes recipients: [Mailbox],
        number: UInt64,
        sendAt: Timestamp? = nil
    ) -> Offer {
        var connector = ReceiveConnector(name: "Default", door: .smtp, bindings: [])
        connector.permissionGroups = [.anonymous]
        let client = Client(
            connector: connector,
            peer: .loopback,
            principal: .anonymous,
            isSecure: false
        )
        let octets = Array("Subject: \(number)\r\n\r\nhello\r\n".utf8)
        var details = MessageDetails(headerMessageID: "<x>", subject: "x", octets: octets.count)
        details.sendAt = sendAt
        return Offer(
            submission: Submission(
                client: client,
                sender: .null,
                recipients: recipients,
                octets: octets.count
            ),
            id: MessageID(high: 7, low: number),
            createdAt: Self.now,
            content: [.octets(octets)],
            details: details
        )
    }

    private func stranger(_ number: UInt64) -> Offer {
        let recipients = [
            Mailbox(localPart: "x", domain: "other.example"),
            Mailbox(localPart: "y", domain: "corp.example"),
        ]
        return offer(toMailboxes: recipients, number: number)
    }

    private func desk(_ drawer: Drawer) -> Desk {
        Desk(
            store: drawer.store,
            dispatcher: nil,
            suppressions: SuppressionList(drawer.store),
            rulebook: Self.rules
        )
    }

    @Test("what is approved is kept with its recipients, routes and content")
    func keeping() async throws {
        let drawer = try Drawer()
        guard case .kept(let receipts) = try await desk(drawer).take([offer(to: ["a", "b"])]) else {
            Issue.record("not kept")
            return
        }
        #expect(receipts.map(\.status) == [.queued])
        let record = try #require(try await drawer.store.message(receipts[0].offer.id))
        #expect(record.recipients.map(\.mailbox.localPart) == ["a", "b"])
        #expect(record.recipients.map(\.route) == ["Exchange", "Exchange"])
        #expect(record.connector == "Default" && record.status == .queued)
        #expect(
            try await drawer.content(of: record.id) == Array("Subject: 1\r\n\r\nhello\r\n".utf8)
        )
    }

    @Test("what is refused is not kept, and of several offers one refusal keeps none")
    func refusing() async throws {
        let drawer = try Drawer()
        let offers = [offer(to: ["a"], number: 1), stranger(2), stranger(3)]
        guard case .refused(let decisions) = try await desk(drawer).take(offers) else {
            Issue.record("not refused")
            return
        }
        #expect(decisions.map { $0.refusal?.reply.enhanced } == [nil, "5.7.54", "5.7.54"])
        for offer in offers { #expect(try await drawer.store.message(offer.id) == nil) }
        #expect(drawer.store.unfinishedMessages == 0)
    }

    @Test("partially, the allowed recipients are kept and the others told")
    func partially() async throws {
        let drawer = try Drawer()
        let outcome = try await desk(drawer).take([stranger(1)], partially: true)
        guard case .kept(let receipts) = outcome else {
            Issue.record("not kept")
            return
        }
        #expect(receipts[0].refused.map(\.mailbox.localPart) == ["x"])
        let record = try #require(try await drawer.store.message(receipts[0].offer.id))
        #expect(record.recipients.map(\.mailbox.localPart) == ["y"])
    }

    @Test(
        "a key seen before answers as before and keeps nothing; with another body it is a mismatch"
    )
    func idempotency() async throws {
        let drawer = try Drawer()
        let desk = desk(drawer)
        let claim = { (body: [UInt8], answer: String) -> (([Receipt]) -> IdempotencyClaim?) in
            { _ in
                IdempotencyClaim(
                    scope: "app",
                    key: "k",
                    fingerprint: body,
                    answer: StoredAnswer(status: 202, body: Array(answer.utf8)),
                    expires: Self.now + .seconds(60)
                )
            }
        }
        _ = try await desk.take([offer(to: ["a"], number: 1)], claim: claim([1], "first"))
        let again = try await desk.take([offer(to: ["a"], number: 2)], claim: claim([1], "second"))
        guard case .replayed(let answer) = again else {
            Issue.record("not replayed")
            return
        }
        #expect(answer.status == 202 && answer.body == Array("first".utf8))
        let other = try await desk.take([offer(to: ["a"], number: 3)], claim: claim([2], "third"))
        guard case .mismatched = other else {
            Issue.record("no mismatch")
            return
        }
        #expect(drawer.store.unfinishedMessages == 1)
        #expect(try await drawer.store.message(MessageID(high: 7, low: 2)) == nil)
    }

    @Test("a refusal claims nothing: the key is free for the mended mail")
    func refusedClaim() async throws {
        let drawer = try Drawer()
        let claim: ([Receipt]) -> IdempotencyClaim? = { _ in
            IdempotencyClaim(
                scope: "app",
                key: "k",
                fingerprint: [1],
                answer: StoredAnswer(status: 202),
                expires: Self.now + .seconds(60)
            )
        }
        _ = try await desk(drawer).take([stranger(1)], claim: claim)
        guard case .kept = try await desk(drawer).take([offer(to: ["a"], number: 2)], claim: claim)
        else {
            Issue.record("not kept")
            return
        }
    }

    @Test("mail for later is scheduled")
    func scheduled() async throws {
        let drawer = try Drawer()
        let later = offer(to: ["a"], sendAt: Self.now + .seconds(60))
        guard case .kept(let receipts) = try await desk(drawer).take([later]) else {
            Issue.record("not kept")
            return
        }
        #expect(receipts[0].status == .scheduled)
        #expect(try await drawer.store.message(later.id)?.status == .scheduled)
    }
}

@Suite("Content on its way in")
struct ContentBufferTests {
    static let lengths = [0, 1, 65_535, 65_536, 65_537, 200_000]

    @Test(
        "little waits in memory, much is spooled, and nothing is lost",
        arguments: lengths,
        [1000, 65_536]
    )
    func keeping(length: Int, step: Int) async throws {
        let drawer = try Drawer()
        let buffer = ContentBuffer(store: drawer.store)
        let octets = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        for start in stride(from: 0, to: length, by: step) {
            try await buffer.append(Array(octets[start..<min(length, start + step)]))
        }
        #expect(buffer.octets == length)
        let piece = try await buffer.finish()
        switch piece {
        case nil: #expect(length == 0)
        case .octets(let kept):
            #expect(kept == octets && length <= ContentBuffer.heldInMemory)
        case .spooled(let content):
            #expect(content.octets == length && length > ContentBuffer.heldInMemory)
        }
        #expect([piece].compactMap { $0 }.octets == length)
    }

    @Test("what was given up can be given up again")
    func abandoning() async throws {
        let drawer = try Drawer()
        let buffer = ContentBuffer(store: drawer.store)
        try await buffer.append([UInt8](repeating: 1, count: 100_000))
        buffer.abandon()
        buffer.abandon()
    }

    @Test("octets join octets: a small mail stays one piece")
    func joining() {
        var pieces: [Piece] = []
        pieces.join(.octets([1]))
        pieces.join(.octets([2, 3]))
        #expect(pieces.count == 1 && pieces.octets == 3)
        guard case .octets(let octets) = pieces[0] else {
            Issue.record("no octets")
            return
        }
        #expect(octets == [1, 2, 3])
    }
}
