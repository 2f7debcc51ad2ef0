import Mail
import Testing

@testable import Policy
@testable import Store

@Suite("Orders for what a filter finds") struct QueueOrderTests {
    /// Recipients by state, as `status@route`, all of one application or none.
    private struct Shop {
        let bench = Workbench()
        let store: MailStore
        var keys: [RecipientStatus: RecipientKey] = [:]

        init() async throws {
            store = try bench.open()
            for status in RecipientStatus.allCases {
                let parcel = bench.parcel(to: ["\(status.name)@corp.example"])
                let entry = try await store.keep([parcel]).entries[0]
                keys[status] = entry.key
                switch status {
                case .queued: break
                case .held: _ = try await store.hold(parcel.id, at: bench.now(), by: "")
                case .sending: try await store.lease([entry.key], at: bench.now())
                case .canceled: _ = try await store.cancel(parcel.id, at: bench.now(), by: "")
                default:
                    let due = status == .uncertain ? nil : bench.now() + .seconds(600)
                    try await store.settle([Settlement(entry, status, due: due)])
                }
            }
        }

        func found(_ order: Order, _ filter: QueueFilter) async throws -> Set<RecipientStatus> {
            let targets = try await store.targets(of: order, matching: filter)
            #expect(Set(targets).count == targets.count)
            return Set(keys.filter { targets.contains($0.value) }.map(\.key))
        }
    }

    static let all: [(Order, RecipientStatus?, Set<RecipientStatus>)] = [
        (.retry, nil, [.queued, .deferred, .uncertain]), (.retry, .failed, [.failed]),
        (.retry, .uncertain, [.uncertain]), (.retry, .held, []), (.retry, .relayed, []),
        (.hold, nil, [.queued, .scheduled, .deferred]), (.hold, .deferred, [.deferred]),
        (.release, nil, [.held]), (.release, .queued, []),
        (.cancel, nil, [.queued, .scheduled, .deferred, .held]), (.cancel, .sending, []),
        (.reroute(to: "B"), nil, [.queued, .scheduled, .deferred, .held]),
        (.reroute(to: "B"), .expired, [.expired]), (.reroute(to: "B"), .canceled, []),
    ]

    @Test("an order is for what waits, and for what is done only when it says so")
    func statuses() async throws {
        let shop = try await Shop()
        for (order, status, expected) in Self.all {
            let found = try await shop.found(order, QueueFilter(status: status))
            #expect(found == expected, "\(order) \(status?.name ?? "")")
        }
    }

    static let filters: [(QueueFilter, [Int])] = [
        (QueueFilter(), [0, 1, 2, 3]), (QueueFilter(recipient: "ann@corp.example"), [0, 2]),
        (QueueFilter(recipient: "ANN@CORP.example"), [0, 2]),
        (QueueFilter(recipient: "@lab.example"), [1, 3]),
        (QueueFilter(sender: "backup@corp.example"), [0, 1]), (QueueFilter(sender: ""), [2, 3]),
        (QueueFilter(sender: "@elsewhere.example"), []),
        (QueueFilter(route: "Exchange"), [0, 1, 2, 3]),
        (QueueFilter(route: "Internet"), []),
        (QueueFilter(recipient: "@corp.example", sender: ""), [2]),
    ]

    @Test("a filter finds by recipient, sender and route", arguments: filters)
    func filtering(filter: QueueFilter, expected: [Int]) async throws {
        let bench = Workbench()
        let store = try bench.open()
        var keys: [RecipientKey] = []
        for sender in ["backup@corp.example", nil] {
            keys += try await store.keep([bench.parcel(from: sender)]).entries.map(\.key)
        }
        let found = try await store.targets(of: .hold, matching: filter)
        #expect(found == expected.map { keys[$0] })
    }

    @Test("more than one step finds everything, each once and grouped by message")
    func steps() async throws {
        let bench = Workbench()
        let store = try bench.open()
        let parcels = (0..<(QueueTargets.step / 100 + 3)).map { _ in
            bench.parcel(to: (0..<100).map { "r\($0)@corp.example" })
        }
        let keys = try await store.keep(parcels).entries.map(\.key)
        let found = try await store.targets(of: .cancel, matching: QueueFilter())
        #expect(found == keys)
    }

    @Test("rerouted mail has the other route, is due at once, and says who did it")
    func reroute() async throws {
        let shop = try await Shop()
        let keys = try await shop.store.targets(of: .reroute(to: "B"), matching: QueueFilter())
        let now = shop.bench.now()
        let change = try await shop.store.carryOut(
            .reroute(to: "B"),
            on: keys,
            at: now,
            by: "uid 0"
        )
        #expect(Set(change.keys) == Set(keys))
        #expect(change.entries.allSatisfy { $0.route == "B" })
        let due = change.entries.filter { $0.due == now }.map(\.key)
        #expect(Set(due) == Set([RecipientStatus.queued, .deferred].compactMap { shop.keys[$0] }))
        #expect(!change.entries.contains { $0.key == shop.keys[.held] })
        let told = try await shop.store.eventPage(EventQuery(limit: 200)).events
        let rerouted = told.filter { $0.type == "rerouted" }
        #expect(rerouted.count == keys.count)
        #expect(rerouted[0].detail == #"{"by":"uid 0","from":"Exchange","to":"B"}"#)
    }

    @Test("what is done and has no content any more is not sent again")
    func swept() async throws {
        let bench = Workbench()
        let store = try bench.open()
        let entry = try await store.keep([bench.parcel(to: ["ann@corp.example"])]).entries[0]
        try await store.settle([Settlement(entry, .failed)])
        let late = bench.now() + .seconds(10)
        _ = try await store.sweep(
            contentBefore: late,
            historyBefore: Timestamp(milliseconds: 0),
            limit: 10
        )
        let change = try await store.carryOut(.retry, on: [entry.key], at: late, by: "")
        #expect(change.keys.isEmpty && change.obstacle == "the content is no longer kept")
        #expect(store.unfinishedMessages == 0)
    }

    @Test("counts of unfinished messages follow orders for single recipients")
    func unfinished() async throws {
        let bench = Workbench()
        let store = try bench.open()
        let keys = try await store.keep([bench.parcel()]).entries.map(\.key)
        _ = try await store.carryOut(.cancel, on: [keys[0]], at: bench.now(), by: "")
        #expect(store.unfinishedMessages == 1)
        _ = try await store.carryOut(.cancel, on: [keys[1]], at: bench.now(), by: "")
        #expect(store.unfinishedMessages == 0)
    }
}

@Suite("Suspended routes, and the log of events") struct OperationsLogTests {
    @Test("a suspension outlives the process and ends once")
    func suspension() async throws {
        let bench = Workbench()
        let until = bench.now() + .seconds(60)
        let suspension = RouteSuspension(
            route: "Exchange",
            reason: "upgrade",
            by: "uid 0",
            since: bench.now(),
            until: until
        )
        var store = try bench.open()
        try await store.suspend(suspension)
        store.close()
        store = try bench.open()
        #expect(try await store.suspensions() == [suspension])
        let early = until - .milliseconds(1)
        #expect(
            try await !store.resume("Exchange", at: early, by: "expiry", endedAt: early)
        )
        #expect(try await store.resume("Exchange", at: until, by: "expiry", endedAt: until))
        #expect(try await !store.resume("Exchange", at: until, by: "expiry"))
        #expect(try await store.suspensions().isEmpty)
        let types = try await store.eventPage(EventQuery(limit: 9)).events.map(\.type)
        #expect(types == ["route.suspended", "route.resumed"])
    }

    @Test("an application sees the events of its own messages alone")
    func ownership() async throws {
        let bench = Workbench()
        let store = try bench.open()
        let applicant = Applicant(id: ApplicationID(at: bench.now()), name: "a", mayRelay: false)
        let mine = bench.parcel(principal: .application(applicant))
        _ = try await store.keep([bench.parcel()])
        _ = try await store.keep([mine])
        try await store.note("queue.held", detail: #"{"count":1}"#, at: bench.now())
        var query = EventQuery(limit: 9)
        #expect(
            try await store.eventPage(query).events.map(\.type) == [
                "queued", "queued", "queue.held",
            ]
        )
        query.application = applicant.id
        #expect(try await store.eventPage(query).events.map(\.message) == [mine.id])
        query.message = mine.id
        #expect(try await store.eventPage(query).events.count == 1)
        query.types = ["relayed"]
        let none = try await store.eventPage(query)
        #expect(none.events.isEmpty && none.isEnd && none.position == 3)
        #expect(store.newestEvent == 3)
    }

    @Test("a walk of any page size sees every event once")
    func pages() async throws {
        let bench = Workbench()
        let store = try bench.open()
        for _ in 0..<7 { _ = try await store.keep([bench.parcel()]) }
        for limit in 1...8 {
            var (seen, query) = ([Int64](), EventQuery(limit: limit))
            while true {
                let page = try await store.eventPage(query)
                seen += page.events.map(\.number)
                query.after = page.position
                if page.isEnd { break }
            }
            #expect(seen == Array(1...7))
        }
    }

    @Test("what administrators did is forgotten with the history")
    func forgetting() async throws {
        let bench = Workbench()
        let store = try bench.open()
        try await store.note("queue.held", detail: nil, at: bench.now())
        _ = try await store.keep([bench.parcel()])
        let limit = bench.now()
        try await store.note("queue.released", detail: nil, at: bench.now())
        try await store.sweepEvents(before: limit)
        let left = try await store.eventPage(EventQuery(limit: 9)).events.map(\.type)
        #expect(left == ["queued", "queue.released"])
    }
}
