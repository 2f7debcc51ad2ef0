import Mail
import Testing

@testable import Policy
@testable import Store

@Suite("What reports from outside say") struct ReportFindingTests {
    private let reply = NextHopReply(
        code: 550,
        enhanced: "5.1.1",
        text: "who",
        host: "mx",
        at: Timestamp(milliseconds: 1_700_000_900_000)
    )

    private func finding(_ status: RecipientStatus?, of index: Int = 0) -> ReportFinding {
        ReportFinding(index: index, status: status, action: status?.name ?? "delayed", reply: reply)
    }

    static let cases: [(before: RecipientStatus, said: RecipientStatus?, after: RecipientStatus)] =
        [
            (.relayed, .failed, .failed), (.relayed, .delivered, .delivered),
            (.relayed, nil, .relayed),
            (.uncertain, .delivered, .delivered), (.uncertain, .failed, .failed),
            (.delivered, .failed, .delivered), (.failed, .delivered, .failed),
            (.deferred, .failed, .deferred), (.expired, .delivered, .expired),
        ]
    @Test("settles what a next hop took or may have taken, and nothing else", arguments: cases)
    func change(before: RecipientStatus, said: RecipientStatus?, after: RecipientStatus)
        async throws
    {
        let bench = Workbench()
        let store = try bench.open()
        let entry = try await store.keep([bench.parcel(to: ["ann@corp.example"])]).entries[0]
        let due = before == .uncertain ? bench.now() + .seconds(60) : nil
        try await store.settle([Settlement(entry, before, due: due)])
        let message = entry.key.message
        let changed = try await store.note([finding(said)], of: message, at: bench.now())
        #expect(changed == (before == after ? [] : [entry.key]))
        let recipient = try #require(try await store.message(entry.id)).recipients[0]
        #expect(recipient.status == after)
        #expect((recipient.lastReply == reply) == (before != after))
        let last = try #require(try await store.events(of: entry.id).last)
        #expect(last.type == (before == after ? "reported" : after.name))
        let isOpen = after == .deferred || after == .uncertain
        #expect(store.unfinishedMessages == (isOpen ? 1 : 0))
        #expect(try await store.pending(after: nil, limit: 10).entries.isEmpty != isOpen)
    }

    @Test("touches no other recipient of the mail")
    func others() async throws {
        let bench = Workbench()
        let store = try bench.open()
        let entries = try await store.keep([bench.parcel()]).entries
        try await store.settle(entries.map { Settlement($0, .relayed) })
        let message = entries[0].key.message
        _ = try await store.note([finding(.failed, of: 1)], of: message, at: bench.now())
        let statuses = try await store.message(entries[0].id)?.recipients.map(\.status)
        #expect(statuses == [.relayed, .failed])
    }

    @Test("after a stop, each application's own word decides about what was being sent")
    func recovery() async throws {
        let bench = Workbench()
        let store = try bench.open()
        let now = bench.now()
        var keys: [(RecipientKey, MessageID)] = []
        for (name, word) in [("holds", "hold"), ("retries", "retry"), ("silent", nil)] {
            let id = ApplicationID(at: now)
            try await store.insert(
                ApplicationRecord(id: id, name: name, uncertain: word, createdAt: now)
            )
            let applicant = Applicant(id: id, name: name, mayRelay: false)
            let parcel = bench.parcel(to: ["ann@corp.example"], principal: .application(applicant))
            let entry = try await store.keep([parcel]).entries[0]
            keys.append((entry.key, entry.id))
        }
        for (general, silent) in [(false, RecipientStatus.queued), (true, .uncertain)] {
            for (_, id) in keys { _ = try? await store.retry(id, at: now, by: "x") }
            _ = try await store.lease(keys.map(\.0), at: now)
            #expect(try await store.recover(holdUncertain: general, at: now) == 3)
            var found: [RecipientStatus?] = []
            for (_, id) in keys { found.append(try await store.message(id)?.status) }
            #expect(found == [.uncertain, .queued, silent])
        }
    }
}
