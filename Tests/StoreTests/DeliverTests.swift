import Mail
import Synchronization
import Testing

@testable import Policy
@testable import Store

@Suite("What delivery asks") struct DeliverTests {
    @Test("pending recipients come by due time, in windows of any size", arguments: [1, 3, 7, 100])
    func order(limit: Int) async throws {
        let bench = Workbench()
        let store = try bench.open()
        var dice = Dice(3)
        var expected: [QueueEntry] = []
        for _ in 0..<12 {
            let parcel = bench.parcel { details in
                let wait = Int.random(in: 0...5, using: &dice)
                details.sendAt = Timestamp(milliseconds: 1_700_000_000_000) + .seconds(wait)
            }
            expected += try await store.keep([parcel]).entries
        }
        expected.sort {
            ($0.due, $0.key.message, $0.key.index) < ($1.due, $1.key.message, $1.key.index)
        }
        var (entries, cursor): ([QueueEntry], PendingCursor?) = ([], nil)
        repeat {
            let window = try await store.pending(after: cursor, limit: limit)
            #expect(window.entries.count <= limit)
            entries += window.entries
            cursor = window.next
        } while cursor != nil
        #expect(entries == expected)
    }

    @Test("a later due time is scheduled, told by its event")
    func scheduled() async throws {
        let bench = Workbench()
        let store = try bench.open()
        let sendAt = bench.now() + .seconds(60)
        let approval = bench.parcel().approval
        let now = bench.now()
        let parcel = Parcel(
            approval: approval,
            id: MessageID(at: now),
            createdAt: now,
            content: [],
            details: MessageDetails(headerMessageID: "<a@b>", sendAt: sendAt, octets: 0)
        )
        let entry = try await store.keep([parcel]).entries[0]
        #expect(entry.status == .scheduled && entry.due == sendAt)
        #expect(try await store.events(of: parcel.id).map(\.type) == ["scheduled"])
    }

    @Test("a lease that nobody waits for is written before what comes after it, and with it")
    func notedLease() async throws {
        let bench = Workbench()
        let store = try bench.open()
        let entries = try await store.keep([bench.parcel(), bench.parcel()]).entries
        let commits = store.writer.tally.commits.load(ordering: .relaxed)
        store.noteLease(entries[0...1].map(\.key))
        try await store.settle([Settlement(entries[0], .relayed)])
        #expect(store.writer.tally.commits.load(ordering: .relaxed) == commits + 1)
        #expect(
            try await store.message(entries[0].id)?.recipients.map(\.status) == [
                .relayed, .sending,
            ]
        )

        // Alone it does not wait for ever.
        store.noteLease([entries[2].key])
        var status: RecipientStatus?
        for _ in 0..<500 where status != .sending {
            try await Task.sleep(for: .milliseconds(2))
            status = try await store.message(entries[2].id)?.recipients[0].status
        }
        #expect(status == .sending)
        store.noteLease([entries[3].key])
        store.close()
        let found = try await bench.open().message(entries[3].id)?.recipients[1].status
        #expect(found == .sending)
    }

    @Test("what is being sent or held is not pending")
    func leased() async throws {
        let bench = Workbench()
        let store = try bench.open()
        let (sending, held) = (bench.parcel(), bench.parcel())
        let entries = try await store.keep([sending, held, bench.parcel()]).entries
        #expect(try await store.lease(entries[0...1].map(\.key), at: bench.now()).isEmpty)
        _ = try await store.hold(held.id, at: bench.now(), by: "key_1")
        let pending = try await store.pending(after: nil, limit: 10)
        #expect(pending.entries.map(\.key) == entries[4...5].map(\.key))
        #expect(try await store.lease([entries[2].key], at: bench.now()) == [entries[2].key])
    }

    @Test("an outcome is written with its reply and told by an event")
    func settlement() async throws {
        let bench = Workbench()
        let store = try bench.open()
        let parcel = bench.parcel()
        let entries = try await store.keep([parcel]).entries
        let busy = NextHopReply(
            code: 451,
            enhanced: "4.3.0",
            text: "try later",
            host: "exch1",
            at: bench.now()
        )
        let due = bench.now() + .seconds(60)
        var first = Settlement(entries[0], .deferred, due: due, reply: busy)
        first.detail = [("phase", "rcpt"), ("quote", "\"")]
        first.route = "Internet"
        try await store.settle([first, Settlement(entries[1], .relayed)])
        let found = try #require(try await store.message(parcel.id))
        #expect(found.status == .deferred)
        #expect(found.recipients[0].lastReply == busy)
        #expect(found.recipients[0].nextAttemptAt == due)
        #expect(found.recipients[0].route == "Internet")
        #expect(found.recipients[1].status == .relayed)
        #expect(found.recipients[1].nextAttemptAt == nil)
        let events = try await store.events(of: parcel.id)
        #expect(events.map(\.type) == ["queued", "deferred", "relayed"])
        #expect(events[1].recipient == entries[0].mailbox)
        #expect(events[1].detail == #"{"phase":"rcpt","quote":"\""}"#)

        // Without a reply the last one stays.
        try await store.settle([Settlement(entries[0], .deferred, due: due)])
        let again = try #require(try await store.message(parcel.id))
        #expect(again.recipients[0].lastReply == busy)
    }

    @Test("an outcome that comes after a cancel changes nothing but is told")
    func tooLate() async throws {
        let bench = Workbench()
        let store = try bench.open()
        let parcel = bench.parcel(to: ["ann@corp.example"])
        let entry = try await store.keep([parcel]).entries[0]
        _ = try await store.cancel(parcel.id, at: bench.now(), by: "key_1")
        #expect(try await store.lease([entry.key], at: bench.now()) == [entry.key])
        #expect(try await store.settle([Settlement(entry, .relayed)]) == [entry.key])
        let nobody = RecipientKey(message: MessageKey(row: 999), index: 0)
        let ghost = Settlement(
            key: nobody,
            status: .failed,
            attempts: 1,
            at: bench.now(),
            route: ""
        )
        #expect(try await store.settle([ghost]) == [nobody])
        #expect(try await store.message(parcel.id)?.status == .canceled)
        let events = try await store.events(of: parcel.id)
        #expect(events.map(\.type) == ["queued", "canceled", "relayed"])
        #expect(store.unfinishedMessages == 0)
    }

    @Test("a cancel and an outcome at the same time leave one of the two, never both")
    func race() async throws {
        let bench = Workbench()
        let store = try bench.open()
        for _ in 0..<30 {
            let parcel = bench.parcel(to: ["ann@corp.example"])
            let entry = try await store.keep([parcel]).entries[0]
            async let canceled =
                (try? await store.cancel(parcel.id, at: bench.now(), by: "")) != nil
            async let ignored = store.settle([Settlement(entry, .relayed)])
            let (wasCanceled, wasIgnored) = (await canceled, try await !ignored.isEmpty)
            #expect(wasCanceled == wasIgnored)
            let status = try await store.message(parcel.id)?.status
            #expect(status == (wasCanceled ? .canceled : .relayed))
        }
        #expect(store.unfinishedMessages == 0)
    }

    @Test("a hold outlives the attempt that was under way, unless that ended it")
    func heldMeanwhile() async throws {
        let bench = Workbench()
        let store = try bench.open()
        let parcel = bench.parcel()
        let entries = try await store.keep([parcel]).entries
        _ = try await store.hold(parcel.id, at: bench.now(), by: "")
        let deferred = Settlement(entries[0], .deferred, due: bench.now())
        #expect(try await store.settle([deferred, Settlement(entries[1], .relayed)]).isEmpty)
        let found = try #require(try await store.message(parcel.id))
        #expect(found.recipients.map(\.status) == [.held, .relayed])
        #expect(found.recipients.map(\.attempts) == [1, 1])
    }

    @Test(
        "what was being sent at a stop is queued again, or waits for an operator",
        arguments: [false, true]
    )
    func recovery(hold: Bool) async throws {
        let bench = Workbench()
        let store = try bench.open()
        let parcel = bench.parcel()
        let entries = try await store.keep([parcel, bench.parcel()]).entries
        try await store.lease(entries[0...1].map(\.key), at: bench.now())
        #expect(try await store.recover(holdUncertain: hold, at: bench.now()) == 2)
        #expect(try await store.recover(holdUncertain: hold, at: bench.now()) == 0)
        let found = try #require(try await store.message(parcel.id))
        #expect(found.status == (hold ? .uncertain : .queued))
        #expect(try await store.pending(after: nil, limit: 9).entries.count == (hold ? 2 : 4))
        let told = try await store.events(of: parcel.id).map(\.type)
        #expect(
            told.dropFirst() == (hold ? ["uncertain", "uncertain"] : ["recovered", "recovered"])
        )
        #expect(store.unfinishedMessages == (hold ? 1 : 2))
        if hold {
            let change = try await store.retry(parcel.id, at: bench.now(), by: "")
            #expect(change.entries.count == 2)
            #expect(store.unfinishedMessages == 2)
        }
    }

    @Test("the queue is summed by route, status, domain and lane")
    func summary() async throws {
        let bench = Workbench()
        let store = try bench.open()
        let first = bench.parcel { $0.priority = .critical }
        let entries = try await store.keep([first, bench.parcel()]).entries
        try await store.settle([
            Settlement(entries[0], .relayed), Settlement(entries[2], .deferred, due: bench.now()),
        ])
        let lines = try await store.queueSummary()
        let told = lines.map { "\($0.domain) \($0.status.name) \($0.priority.name) \($0.count)" }
        #expect(
            told == [
                "lab.example queued critical 1", "corp.example deferred normal 1",
                "lab.example queued normal 1",
            ]
        )
        #expect(lines.first?.oldest == first.createdAt)
    }

    @Test("the summary counts what waits for an operator, and can be of one application")
    func waitingForAnOperator() async throws {
        let bench = Workbench()
        let store = try bench.open()
        let applicant = Applicant(id: ApplicationID(at: bench.now()), name: "nas", mayRelay: false)
        let (held, mine) = (bench.parcel(), bench.parcel(principal: .application(applicant)))
        let entries = try await store.keep([held, mine, bench.parcel()]).entries
        _ = try await store.hold(held.id, at: bench.now(), by: "key_1")
        try await store.settle([
            Settlement(entries[2], .uncertain), Settlement(entries[3], .failed),
            Settlement(entries[4], .uncertain, due: bench.now()),
        ])
        func told(_ lines: [QueueLine]) -> [String] {
            lines.map { "\($0.domain) \($0.status.name) \($0.count)" }
        }
        #expect(
            told(try await store.queueSummary()) == [
                "corp.example uncertain 2", "corp.example held 1", "lab.example held 1",
                "lab.example queued 1",
            ]
        )
        let own = try await store.queueSummary(application: applicant.id)
        #expect(told(own) == ["corp.example uncertain 1"])
    }

    @Test("what was to be sent later still says so after its time and a restart")
    func sendAt() async throws {
        let bench = Workbench()
        let sendAt = bench.now() + .seconds(60)
        var store = try bench.open()
        let parcel = bench.parcel(to: ["ann@corp.example"]) { $0.sendAt = sendAt }
        let entry = try await store.keep([parcel]).entries[0]
        #expect(entry.sendAt == sendAt)
        try await store.settle([Settlement(entry, .deferred, due: sendAt + .seconds(60))])
        store.close()
        store = try bench.open()
        let found = try await store.pending(after: nil, limit: 1).entries[0]
        #expect(found.sendAt == sendAt && found.attempts == 1)
    }
}
