import Mail
import Testing

@testable import Policy
@testable import Store

@Suite("Reports that are owed") struct ReportTests {
    @Test("are written down with what earned them, and crossed out with what pays them")
    func payment() async throws {
        let bench = Workbench()
        let store = try bench.open()
        let entries = try await store.keep([bench.parcel()]).entries
        var failure = Settlement(entries[0], .failed)
        failure.report = .failed
        try await store.settle([failure, Settlement(entries[1], .relayed)])
        let debts = try await store.reportDebts(limit: 10)
        #expect(debts.map(\.recipient) == [entries[0].key])
        #expect(debts.map(\.kind) == [.failed])

        let report = bench.parcel(to: ["backup@corp.example"], from: nil)
        let paying = KeepCondition.paying(debts, detail: [("to", "backup@corp.example")])
        #expect(try await store.keep([report], condition: paying).entries.count == 1)
        #expect(try await store.reportDebts(limit: 10).isEmpty)
        let events = try await store.events(of: entries[0].id)
        #expect(events.last?.type == "notified")
        #expect(events.last?.detail == #"{"report":"failed","to":"backup@corp.example"}"#)
    }

    @Test("are told once: who comes later keeps nothing")
    func once() async throws {
        let bench = Workbench()
        let store = try bench.open()
        let entries = try await store.keep([bench.parcel()]).entries
        var failure = Settlement(entries[0], .failed)
        failure.report = .failed
        try await store.settle([failure])
        let debts = try await store.reportDebts(limit: 10)
        let reports = [bench.parcel(from: nil), bench.parcel(from: nil)]
        _ = try await store.keep([reports[0]], condition: .paying(debts, detail: []))
        await #expect(throws: StoreError.self) {
            try await store.keep([reports[1]], condition: .paying(debts, detail: []))
        }
        #expect(try await store.message(reports[0].id) != nil)
        #expect(try await store.message(reports[1].id) == nil)
    }

    @Test("survive the process")
    func survival() async throws {
        let bench = Workbench()
        var store = try bench.open()
        let entries = try await store.keep([bench.parcel()]).entries
        var failure = Settlement(entries[0], .failed)
        failure.report = .failed
        try await store.settle([failure])
        store.close()
        store = try bench.open()
        #expect(try await store.reportDebts(limit: 10).count == 1)
    }

    @Test("are not owed where the outcome came too late to count")
    func tooLate() async throws {
        let bench = Workbench()
        let store = try bench.open()
        let parcel = bench.parcel()
        let entries = try await store.keep([parcel]).entries
        _ = try await store.cancel(parcel.id, at: bench.now(), by: "x")
        var failure = Settlement(entries[0], .failed)
        failure.report = .failed
        try await store.settle([failure])
        #expect(try await store.reportDebts(limit: 10).isEmpty)
    }

    @Test("waived ones leave an event with the reason")
    func waiver() async throws {
        let bench = Workbench()
        let store = try bench.open()
        let entries = try await store.keep([bench.parcel()]).entries
        var failure = Settlement(entries[0], .failed)
        failure.report = .failed
        try await store.settle([failure])
        let debts = try await store.reportDebts(limit: 10)
        try await store.waive(debts, detail: [("reason", "no backscatter")], at: bench.now())
        #expect(try await store.reportDebts(limit: 10).isEmpty)
        #expect(try await store.events(of: entries[0].id).last?.type == "not_notified")
    }

    @Test("come whole messages at a time")
    func pages() async throws {
        let bench = Workbench()
        let store = try bench.open()
        for _ in 0..<3 {
            let entries = try await store.keep([bench.parcel()]).entries
            try await store.settle(
                entries.map { entry in
                    var failure = Settlement(entry, .failed)
                    failure.report = .failed
                    return failure
                }
            )
        }
        #expect(try await store.reportDebts(limit: 3).count == 2)
        #expect(try await store.reportDebts(limit: 1).count == 1)
        #expect(try await store.reportDebts(limit: 100).count == 6)
    }
}

@Suite("Notices of delay") struct DelayTests {
    private let start = Timestamp(milliseconds: 1_700_000_000_000)

    @Test("are owed once for what still waits, and never for what NOTIFY excludes")
    func delays() async throws {
        let bench = Workbench()
        let store = try bench.open()
        let waiting = bench.parcel()
        let done = bench.parcel()
        let null = bench.parcel(from: nil)
        let silent = bench.parcel(
            reports: [
                Mailbox("ann@corp.example"): DSNRecipient(notify: .never),
                Mailbox("bob@lab.example"): DSNRecipient(notify: [.failure, .delay]),
            ]
        )
        let held = bench.parcel()
        _ = try await store.keep([waiting])
        let finished = try await store.keep([done]).entries
        _ = try await store.keep([null, silent, held])
        try await store.settle(finished.map { Settlement($0, .relayed) })
        _ = try await store.hold(held.id, at: bench.now(), by: "x")

        #expect(try await store.noteDelays(until: start - .seconds(1), at: bench.now()) == 0)
        #expect(try await store.noteDelays(until: start + .seconds(60), at: bench.now()) == 3)
        let debts = try await store.reportDebts(limit: 100)
        #expect(debts.map(\.id) == [waiting.id, waiting.id, silent.id])
        #expect(debts.allSatisfy { $0.kind == .delayed })
        try await store.forget(debts)
        #expect(try await store.noteDelays(until: start + .seconds(90), at: bench.now()) == 0)
        #expect(try await store.reportDebts(limit: 100).isEmpty)
    }

    @Test("count from when the mail was to be sent, where that was later")
    func scheduled() async throws {
        let bench = Workbench()
        let store = try bench.open()
        let later = start + .seconds(100)
        let parcel = bench.parcel(to: ["ann@corp.example"]) { $0.sendAt = later }
        let entry = try await store.keep([parcel]).entries[0]
        #expect(try await store.noteDelays(until: start + .seconds(50), at: bench.now()) == 0)
        try await store.settle([Settlement(entry, .deferred, due: later + .seconds(60))])
        #expect(try await store.noteDelays(until: later - .seconds(1), at: bench.now()) == 0)
        #expect(try await store.noteDelays(until: later + .seconds(1), at: bench.now()) == 1)
        #expect(try await store.noteDelays(until: later + .seconds(9), at: bench.now()) == 0)
    }

    @Test("miss nothing of a long queue")
    func many() async throws {
        let bench = Workbench()
        let store = try bench.open()
        _ = try await store.keep((0..<1500).map { _ in bench.parcel() })
        #expect(try await store.noteDelays(until: start + .seconds(600), at: bench.now()) == 3000)
        #expect(try await store.noteDelays(until: start + .seconds(601), at: bench.now()) == 0)
    }

    @Test("and the postmaster hears of a cause once a day")
    func causes() async throws {
        let bench = Workbench()
        let store = try bench.open()
        let keep = { (day: Int, cause: String) in
            let condition = KeepCondition.firstOfDay(day, cause: cause)
            do {
                return try await store.keep([bench.parcel()], condition: condition).entries.count
                    > 0
            } catch { return false }
        }
        #expect(await keep(100, "route:a"))
        #expect(await !keep(100, "route:a"))
        #expect(await keep(100, "route:b"))
        #expect(await !keep(99, "route:a"))
        #expect(await keep(101, "route:a"))
    }
}
