import Mail
import Testing

@testable import Policy
@testable import Store

@Suite("Deadlines of applications") struct EscalationTests {
    private let application = ApplicationID(at: Timestamp(milliseconds: 1))
    private var own: Principal {
        .application(Applicant(id: application, name: "own", mayRelay: true))
    }

    @Test("a recipient is escalated once, also by a store that is opened again")
    func once() async throws {
        let bench = Workbench()
        let order = Order.escalate(to: "B", because: "not delivered within 10s")
        let (id, key): (MessageID, RecipientKey) = try await {
            let store = try bench.open()
            let parcel = bench.parcel(principal: own)
            let key = try await store.keep([parcel]).entries[0].key
            let now = parcel.createdAt
            try await store.noteDeadlines(of: application, within: .seconds(10), at: now)
            #expect(try await store.overdue(at: now + .seconds(60), limit: 9).isEmpty)
            let then = now + .seconds(10)
            try await store.noteDeadlines(of: application, within: .seconds(10), at: then)
            #expect(try await store.overdue(at: then, limit: 9).contains { $0.key == key })
            store.close()
            return (parcel.id, key)
        }()
        let store = try bench.open()
        let late = bench.now() + .seconds(60)
        #expect(try await store.overdue(at: late, limit: 9).contains { $0.key == key })
        let change = try await store.carryOut(order, on: [key], at: late, by: "")
        #expect(change.entries.first { $0.key == key }?.route == "B")
        try await store.noteDeadlines(of: application, within: .seconds(10), at: late)
        #expect(try await store.overdue(at: late, limit: 9).allSatisfy { $0.key != key })
        let told = try await store.events(of: id).filter { $0.type == "escalated" }
        #expect(told.count == 1)
        #expect(told.first?.detail?.contains(#""step":"route""#) == true)
    }

    @Test("mail of others, and mail that is done, is never on the list")
    func others() async throws {
        let bench = Workbench()
        let store = try bench.open()
        let done = bench.parcel(principal: own)
        let entries = try await store.keep([done, bench.parcel()]).entries
        let late = bench.now() + .seconds(60)
        try await store.noteDeadlines(of: application, within: .seconds(10), at: late)
        for entry in entries where entry.id == done.id {
            try await store.settle([Settlement(entry, .relayed, due: nil)])
        }
        #expect(try await store.overdue(at: late, limit: 9).isEmpty)
    }
}
