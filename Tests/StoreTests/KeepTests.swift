import Mail
import Synchronization
import Testing

@testable import Policy
@testable import Store

@Suite("What is kept") struct KeepTests {
    @Test("a kept message is found, queued and read as it was given")
    func roundTrip() async throws {
        let bench = Workbench()
        let store = try bench.open()
        let applicant = Applicant(id: ApplicationID(at: bench.now()), name: "nas", mayRelay: false)
        let report = DSNRecipient(
            notify: .never,
            originalRecipient: OriginalRecipient(field: "rfc822;Ann+B@corp.example")
        )
        let parcel = bench.parcel(
            principal: .application(applicant),
            reports: [Mailbox("ann@corp.example"): report]
        ) { details in
            details.tags = ["a", "quote \" and \\ and \u{1} and ü"]
            details.metadata = [("b", "1"), ("a", "2"), ("b", "3")]
            details.externalID = "job-1"
            details.requiresSMTPUTF8 = true
            details.traits = [.is8Bit, .isBinary, .isInternational]
            details.returns = .headers
            details.envelopeID = EnvelopeID(text: "a b+c")
        }
        let kept = try await store.keep([parcel]).entries
        let pending = try await store.pending(after: nil, limit: 10)
        #expect(kept == pending.entries)
        #expect(pending.next == nil)
        #expect(kept.map(\.traits) == Array(repeating: parcel.details.traits, count: 2))
        #expect(kept.map(\.dsn?.recipient.notify) == [.never, nil])
        #expect(kept.map(\.dsn?.envelopeID?.text) == ["a b+c", "a b+c"])
        #expect(kept.map(\.mailbox) == parcel.approval.recipients.map(\.mailbox))

        let found = try #require(try await store.message(parcel.id))
        #expect(found.details == parcel.details)
        #expect(found.sender == parcel.approval.sender)
        #expect(found.application == applicant.id)
        #expect(found.status == .queued)
        #expect(found.recipients[0].reports == parcel.reports[found.recipients[0].mailbox])
        #expect(found.recipients[1].reports == DSNRecipient())
        #expect(found.recipients.map(\.route) == ["Exchange", "Exchange"])
        let content = try await store.content(of: found.key).all()
        #expect(String(decoding: content, as: UTF8.self) == "Subject: x\r\n\r\nhello\r\n")
        #expect(try await store.events(of: parcel.id).map(\.type) == ["queued"])
    }

    @Test("the null sender and an empty mail are kept as they are")
    func emptiness() async throws {
        let bench = Workbench()
        let store = try bench.open()
        let parcel = bench.parcel(from: nil, content: []) { $0.subject = "" }
        let entry = try #require(try await store.keep([parcel]).entries.first)
        #expect(entry.sender == .null)
        let found = try #require(try await store.message(parcel.id))
        #expect(found.sender == .null)
        #expect(found.details.subject.isEmpty)
        #expect(try await store.content(of: entry.key.message).next() == nil)
    }

    @Test("another application's message is not found")
    func ownership() async throws {
        let bench = Workbench()
        let store = try bench.open()
        let (mine, other) = (ApplicationID(at: bench.now()), ApplicationID(at: bench.now()))
        let applicant = Applicant(id: mine, name: "nas", mayRelay: false)
        let parcel = bench.parcel(principal: .application(applicant))
        _ = try await store.keep([parcel])
        #expect(try await store.message(parcel.id, application: mine) != nil)
        #expect(try await store.message(parcel.id, application: other) == nil)
    }

    @Test("many callers share few transactions")
    func groupCommit() async throws {
        let bench = Workbench()
        let store = try bench.open()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<400 {
                group.addTask { _ = try await store.keep([bench.parcel()]) }
            }
            try await group.waitForAll()
        }
        #expect(store.unfinishedMessages == 400)
        #expect(try await store.pending(after: nil, limit: 1000).entries.count == 800)
        #expect(store.writer.tally.commits.load(ordering: .relaxed) < 200)
    }

    @Test("a keep that fails keeps nothing, and fails alone")
    func guilt() async throws {
        let bench = Workbench()
        let store = try bench.open()
        let taken = bench.parcel()
        _ = try await store.keep([taken])
        let fresh = bench.parcel()
        let innocent = (0..<50).map { _ in bench.parcel() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for parcel in innocent { group.addTask { _ = try await store.keep([parcel]) } }
            group.addTask {
                await #expect(throws: StoreError.self) { try await store.keep([fresh, taken]) }
            }
            try await group.waitForAll()
        }
        #expect(try await store.message(fresh.id) == nil)
        for parcel in innocent { #expect(try await store.message(parcel.id) != nil) }
        #expect(store.unfinishedMessages == 51)
        #expect(store.isHealthy)
    }

    @Test("a batch goes back for one job's sake and every other job is done once")
    func rollback() throws {
        let bench = Workbench()
        let location = try bench.location()
        let database = try location.openForWriting()
        try Schema.migrate(database)
        let rows = try Rows(
            database,
            limits: Limits(.init(), directory: bench.directory),
            tally: Tally()
        )
        let taken = PreparedParcel(bench.parcel())
        let outcomes = Mutex<[Int: StoreError?]>([:])
        let jobs = (0..<3).map { number in
            Write(octets: 0) { rows throws(StoreError) in
                let mine = number == 1 ? [PreparedParcel(bench.parcel()), taken] : [taken]
                // The first job takes the id; the second wrote a message before it meets it.
                if number == 2 { return try rows.insertEvent("x", at: bench.now(), message: nil) }
                _ = try rows.keep(mine, claim: nil, at: bench.now())
            } deliver: { result in
                outcomes.withLock {
                    if case .failure(let error) = result {
                        $0[number] = error
                    } else {
                        $0[number] = .some(nil)
                    }
                }
            }
        }
        let batch = Batch(rows)
        batch.run(jobs) { [] }
        let ends = outcomes.withLock { $0 }
        #expect(ends.count == 3)
        #expect(ends[0] == .some(nil) && ends[2] == .some(nil) && ends[1] != .some(nil))
        #expect(rows.tally.commits.load(ordering: .relaxed) == 2)
        #expect(try database.integer("SELECT count(*) FROM message") == 1)
        #expect(rows.unfinished == 1)
    }

    @Test("beyond the limit of queued messages a keep is refused until one is finished")
    func limit() async throws {
        let bench = Workbench()
        let store = try bench.open { $0.queuedMessages = 2 }
        let first = try await store.keep([bench.parcel()]).entries
        await #expect(throws: StoreError.full) {
            try await store.keep([bench.parcel(), bench.parcel()])
        }
        _ = try await store.keep([bench.parcel()])
        await #expect(throws: StoreError.full) { try await store.keep([bench.parcel()]) }
        try await store.settle([Settlement(first[0], .relayed)])
        await #expect(throws: StoreError.full) { try await store.keep([bench.parcel()]) }
        try await store.settle([Settlement(first[1], .failed)])
        _ = try await store.keep([bench.parcel()])
        store.close()

        let again = try bench.open { $0.queuedMessages = 3 }
        #expect(again.unfinishedMessages == 2)
    }

    @Test("below the floor of free disk nothing is kept, but outcomes are still written")
    func floor() async throws {
        let bench = Workbench()
        let full = try bench.open()
        let entries = try await full.keep([bench.parcel()]).entries
        full.close()
        let store = try bench.open { $0.storeFloor = .max }
        await #expect(throws: StoreError.full) { try await store.keep([bench.parcel()]) }
        let spool = store.spool()
        await #expect(throws: StoreError.full) {
            try await spool.append([UInt8](repeating: 1, count: 300_000))
        }
        #expect(try await store.settle(entries.map { Settlement($0, .relayed) }).isEmpty)
    }
}
