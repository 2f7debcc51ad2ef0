import Mail
import Testing

@testable import Policy
@testable import Store

@Suite("Addresses to which nothing is sent") struct SuppressionTests {
    @Test("suppressed recipients are done when they are kept, and wait for nobody")
    func keeping() async throws {
        let bench = Workbench()
        let store = try bench.open()
        let plain = bench.parcel(to: ["ann@corp.example", "bob@corp.example"])
        let some = bench.parcel(suppressed: [1], of: plain)
        let entries = try await store.keep([some]).entries
        #expect(entries.map(\.key.index) == [0])
        let found = try #require(try await store.message(some.id))
        #expect(found.recipients.map(\.status) == [.queued, .suppressed])
        #expect(try await store.pending(after: nil, limit: 9).entries == entries)
        #expect(store.unfinishedMessages == 1)

        let all = bench.parcel(suppressed: [0, 1], of: plain)
        #expect(try await store.keep([all]).entries.isEmpty)
        #expect(store.unfinishedMessages == 1)
        let types = try await store.events(of: all.id).map(\.type)
        #expect(types == ["suppressed", "suppressed"])
    }

    @Test("so many messages must bounce within the time, each counts once")
    func counting() async throws {
        let bench = Workbench()
        let store = try bench.open()
        let policy = SuppressionPolicy(hardBounces: 3, within: .seconds(60), span: .seconds(600))
        let start = bench.now()
        let bounce = { (message: Int64, seconds: Int) async throws -> [String] in
            try await store.noteHardBounces(
                [(address: "gone@corp.example", message: MessageKey(row: message))],
                at: start + .seconds(seconds),
                policy
            )
        }
        #expect(try await bounce(1, 0).isEmpty)
        #expect(try await bounce(2, 50).isEmpty)
        #expect(try await bounce(2, 55).isEmpty, "the same message again")
        #expect(try await bounce(3, 70).isEmpty, "the first one is too long ago")
        #expect(try await bounce(4, 71) == ["gone@corp.example"])
        #expect(try await bounce(5, 72).isEmpty, "listed already")
        let record = try #require(try await store.suppression(of: "gone@corp.example"))
        #expect(record.reason == .hardBounces)
        #expect(record.expiresAt == start + .seconds(671))
        let early = start + .seconds(670)
        #expect(try await !store.sweepSuppressions(at: early, bouncesBefore: early))
        let late = start + .seconds(671)
        #expect(try await store.sweepSuppressions(at: late, bouncesBefore: late))
        #expect(try await store.suppression(of: "gone@corp.example") == nil)
        let types = try await store.eventPage(EventQuery(limit: 9)).events.map(\.type)
        #expect(types == ["suppression.added", "suppression.removed"])
    }
}

@Suite("What a webhook has still to be told") struct WebhookRowTests {
    @Test("its place only moves on, and what is taken leaves the line")
    func progress() async throws {
        let bench = Workbench()
        let store = try bench.open()
        let id = WebhookID(at: bench.now())
        try await store.insert(
            WebhookRecord(
                id: id,
                url: "http://127.0.0.1/",
                types: ["relayed"],
                secret: [1],
                createdAt: bench.now(),
                position: 7
            )
        )
        let now = bench.now()
        var progress = WebhookProgress()
        progress.position = 9
        progress.retries = [8, 9].map {
            WebhookRetry(event: $0, attempts: 1, firstAt: now, due: now + .seconds($0), error: "x")
        }
        try await store.note(progress, of: id)
        let early = try await store.retries(of: id, dueBy: now + .seconds(8), limit: 9)
        #expect(early.due.map(\.event) == [8] && early.waiting == 2)
        #expect(early.next == now + .seconds(8))
        var later = WebhookProgress()
        later.position = 3
        later.done = [8]
        later.isBack = true
        later.succeededAt = now
        try await store.note(later, of: id)
        let rest = try await store.retries(of: id, dueBy: now, limit: 9)
        #expect(rest.due.map(\.event) == [9], "the receiver is back, so it is due now")
        #expect(try await store.webhooks().first?.position == 9)
        try await store.remove(id)
        #expect(try await store.retries(of: id, dueBy: now, limit: 9).waiting == 0)
        await #expect(throws: StoreError.notFound) { try await store.remove(id) }
    }
}

extension Workbench {
    /// The same mail once more, with some of its recipients suppressed.
    fileprivate func parcel(suppressed: Set<Int>, of other: Parcel) -> Parcel {
        Parcel(
            approval: other.approval,
            id: MessageID(at: now()),
            createdAt: other.createdAt,
            content: other.content,
            details: other.details,
            suppressed: suppressed
        )
    }
}
