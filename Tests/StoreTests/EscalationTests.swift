import Mail
import Testing

@testable import Policy
@testable import Store

@Suite("Deadlines of applications") struct EscalationTests {
    private let application = ApplicationID(at: Timestamp(milliseconds: 1))
    private var own: Principal {
        .application(Applicant(id: application, name: "own", mayRelay: true))
    }
    private let limit = Duration.seconds(10)

    private func order(next: Timestamp?) -> Order {
        .escalate(to: "B", because: "not delivered within 10s", next: next)
    }

    private func escalated(_ id: MessageID, in store: MailStore) async throws -> [EventRecord] {
        try await store.events(of: id).filter { $0.type == "escalated" }
    }

    /// As the gateway keeps the copy for somebody else.
    private func copy(_ key: RecipientKey, _ bench: Workbench, in store: MailStore)
        async throws -> MessageID
    {
        let copy = bench.parcel(to: ["oncall@corp.example"], principal: .postern)
        let detail = [("step", "recipient"), ("id", copy.id.description)]
        _ = try await store.keep([copy], condition: .escalating(key.message, detail: detail))
        return copy.id
    }

    @Test("a recipient is escalated to a route once, also by a store that is opened again")
    func once() async throws {
        let bench = Workbench()
        let (id, key): (MessageID, RecipientKey) = try await {
            let store = try bench.open()
            let parcel = bench.parcel(principal: own)
            let key = try await store.keep([parcel]).entries[0].key
            let now = parcel.createdAt
            try await store.noteDeadlines(of: application, within: limit, at: now)
            #expect(try await store.overdue(at: now + .seconds(60), limit: 9).isEmpty)
            let then = now + limit
            try await store.noteDeadlines(of: application, within: limit, at: then)
            #expect(try await store.overdue(at: then, limit: 9).contains { $0.key == key })
            store.close()
            return (parcel.id, key)
        }()
        let store = try bench.open()
        let late = bench.now() + .seconds(60)
        #expect(try await store.overdue(at: late, limit: 9).contains { $0.key == key })
        let change = try await store.carryOut(order(next: nil), on: [key], at: late, by: "")
        #expect(change.entries.first { $0.key == key }?.route == "B")
        try await store.noteDeadlines(of: application, within: limit, at: late)
        #expect(try await store.overdue(at: late, limit: 9).allSatisfy { $0.key != key })
        let told = try await escalated(id, in: store)
        #expect(told.count == 1)
        #expect(told.first?.detail?.contains(#""step":"route""#) == true)
    }

    @Test("after the route it waits for the next step, over a restart, and takes it once")
    func steps() async throws {
        let bench = Workbench()
        let late = bench.now() + .seconds(60)
        let (id, key): (MessageID, RecipientKey) = try await {
            let store = try bench.open()
            let parcel = bench.parcel(principal: own)
            let entries = try await store.keep([parcel]).entries
            try await store.noteDeadlines(of: application, within: limit, at: late)
            let keys = entries.map(\.key)
            _ = try await store.carryOut(order(next: late + limit), on: keys, at: late, by: "")
            #expect(try await store.overdue(at: late, limit: 9).isEmpty)
            store.close()
            return (parcel.id, keys[0])
        }()
        let store = try bench.open()
        let due = try await store.overdue(at: late + limit, limit: 9)
        #expect(due.map(\.step) == [.recipient, .recipient])
        #expect(due.allSatisfy { $0.id == id && $0.route == "B" && !$0.isEscalated })
        let copy = try await copy(key, bench, in: store)
        #expect(try await store.overdue(at: late + limit, limit: 9).isEmpty)
        await #expect(throws: StoreError.self) { _ = try await self.copy(key, bench, in: store) }
        let told = try await escalated(id, in: store)
        #expect(told.count == 3)
        #expect(told.last?.recipient == nil)
        #expect(told.last?.detail?.contains(copy.description) == true)
        #expect(try await store.messages(MessageQuery()).records.count == 2)
    }

    @Test("the copy itself is never due, and what fails later makes no second one")
    func noLoop() async throws {
        let bench = Workbench()
        let store = try bench.open()
        let entries = try await store.keep([bench.parcel(principal: own)]).entries
        var failure = Settlement(entries[0], .failed)
        failure.escalates = true
        try await store.settle([failure])
        let due = try await store.overdue(at: failure.at, limit: 9)
        #expect(due.map(\.key) == [entries[0].key])
        #expect(due.first?.step == .recipient && due.first?.status == .failed)
        _ = try await copy(entries[0].key, bench, in: store)
        var other = Settlement(entries[1], .failed)
        other.escalates = true
        try await store.settle([other])
        let late = bench.now() + .seconds(60)
        try await store.noteDeadlines(of: application, within: limit, at: late)
        #expect(try await store.overdue(at: late, limit: 9).isEmpty)
    }

    @Test("a failure makes the step to somebody else due at once, whichever was next")
    func overtaking() async throws {
        let bench = Workbench()
        let store = try bench.open()
        let entries = try await store.keep([bench.parcel(principal: own)]).entries
        let late = bench.now() + .seconds(60)
        try await store.noteDeadlines(of: application, within: limit, at: late)
        let keys = entries.map(\.key)
        _ = try await store.carryOut(order(next: late + limit), on: keys, at: late, by: "")
        var failure = Settlement(entries[0], .expired)
        (failure.escalates, failure.at) = (true, late + .seconds(1))
        try await store.settle([failure])
        #expect(try await store.overdue(at: failure.at, limit: 9).map(\.key) == [keys[0]])
    }

    @Test("a report of failure, or a suppressed address, counts where the application asks for it")
    func elsewhere() async throws {
        let bench = Workbench()
        let store = try bench.open()
        for asks in [true, false] {
            let id = ApplicationID(at: bench.now())
            var record = ApplicationRecord(id: id, name: "\(asks)", createdAt: bench.now())
            record.deliverWithin = .seconds(3600)
            if asks { record.escalateTo = "oncall@corp.example" }
            try await store.insert(record)
            #expect(try await store.applications().contains(record))
            let principal = Principal.application(Applicant(id: id, name: "", mayRelay: true))
            let parcel = bench.parcel(principal: principal)
            let silenced = Parcel(
                approval: parcel.approval,
                id: parcel.id,
                createdAt: parcel.createdAt,
                content: parcel.content,
                details: parcel.details,
                suppressed: [1]
            )
            let entries = try await store.keep([silenced]).entries
            let reply = NextHopReply(code: 550, text: "gone", host: "mx", at: bench.now())
            let finding = ReportFinding(index: 0, status: .failed, action: "failed", reply: reply)
            try await store.settle([Settlement(entries[0], .relayed)])
            _ = try await store.note([finding], of: entries[0].key.message, at: bench.now())
            let due = try await store.overdue(at: bench.now(), limit: 9)
            #expect(due.map(\.status) == (asks ? [.suppressed, .failed] : []))
            try await store.forgetEscalations(due.map(\.key))
        }
    }

    @Test("without a route the next step follows, and an event says why")
    func lostRoute() async throws {
        let bench = Workbench()
        let store = try bench.open()
        let parcel = bench.parcel(principal: own)
        let keys = try await store.keep([parcel]).entries.map(\.key)
        let late = bench.now() + .seconds(60)
        try await store.noteDeadlines(of: application, within: limit, at: late)
        try await store.skipRoute(for: [keys[0]], detail: [("step", "route")], next: late, at: late)
        try await store.skipRoute(for: [keys[1]], detail: [("step", "route")], next: nil, at: late)
        let due = try await store.overdue(at: late, limit: 9)
        #expect(due.map(\.key) == [keys[0]] && due.map(\.step) == [.recipient])
        try await store.giveUpEscalation(of: [keys[0]], detail: [("step", "recipient")], at: late)
        #expect(try await store.overdue(at: late, limit: 9).isEmpty)
        let told = try await store.events(of: parcel.id).filter { $0.type == "not_escalated" }
        #expect(told.count == 3)
    }

    @Test("mail of others, and mail that is done by its deadline, is never on the list")
    func others() async throws {
        let bench = Workbench()
        let store = try bench.open()
        let (done, unsure) = (bench.parcel(principal: own), bench.parcel(principal: own))
        let entries = try await store.keep([done, bench.parcel(), unsure]).entries
        for entry in entries where entry.id == done.id {
            try await store.settle([Settlement(entry, .relayed)])
        }
        for entry in entries where entry.id == unsure.id {
            try await store.settle([Settlement(entry, .uncertain)])
        }
        let late = bench.now() + .seconds(60)
        try await store.noteDeadlines(of: application, within: limit, at: late)
        let due = try await store.overdue(at: late, limit: 9)
        #expect(due.map(\.id) == [unsure.id, unsure.id])
        #expect(due.allSatisfy { $0.status == .uncertain })
    }

    @Test("retention takes the mark of a copy with its message")
    func sweep() async throws {
        let bench = Workbench()
        let store = try bench.open()
        let entries = try await store.keep([bench.parcel(principal: own)]).entries
        _ = try await copy(entries[0].key, bench, in: store)
        try await store.settle(entries.map { Settlement($0, .failed) })
        let marks: @Sendable () async throws -> Int64? = {
            try await store.read { database throws(StoreError) in
                try database.integer("SELECT count(*) FROM escalated")
            }
        }
        #expect(try await marks() == 1)
        let late = bench.now() + .seconds(60)
        _ = try await store.sweep(contentBefore: late, historyBefore: late, limit: 9)
        #expect(try await marks() == 0)
    }
}
