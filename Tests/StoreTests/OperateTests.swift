import Mail
import Testing

@testable import Store

@Suite("What operators order") struct OperateTests {
    /// Status before, order, status after; nil where the order is refused.
    static let orders: [(RecipientStatus, Order, RecipientStatus?)] = [
        (.queued, .cancel, .canceled), (.scheduled, .cancel, .canceled),
        (.deferred, .cancel, .canceled), (.held, .cancel, .canceled), (.sending, .cancel, nil),
        (.relayed, .cancel, nil), (.failed, .cancel, nil), (.canceled, .cancel, nil),
        (.queued, .hold, .held), (.deferred, .hold, .held), (.scheduled, .hold, .held),
        (.held, .hold, nil), (.sending, .hold, nil), (.delivered, .hold, nil),
        (.held, .release, .queued), (.queued, .release, nil), (.failed, .release, nil),
        (.deferred, .retry, .queued), (.failed, .retry, .queued), (.expired, .retry, .queued),
        (.uncertain, .retry, .queued), (.suppressed, .retry, .queued), (.queued, .retry, .queued),
        (.sending, .retry, nil), (.relayed, .retry, nil), (.canceled, .retry, nil),
        (.delivered, .retry, nil), (.held, .retry, nil),
    ]

    @Test("an order changes what may change and refuses the rest", arguments: orders)
    func order(before: RecipientStatus, order: Order, after: RecipientStatus?) async throws {
        let bench = Workbench()
        let store = try bench.open()
        let parcel = bench.parcel(to: ["ann@corp.example"])
        let entry = try await store.keep([parcel]).entries[0]
        let due = bench.now() + .seconds(600)
        switch before {
        case .queued: break
        case .held: _ = try await store.hold(parcel.id, at: bench.now(), by: "")
        case .sending: try await store.lease([entry.key], at: bench.now())
        case .canceled: _ = try await store.cancel(parcel.id, at: bench.now(), by: "")
        default: try await store.settle([Settlement(entry, before, due: due)])
        }
        let now = bench.now()
        let carryOut = { () async throws(StoreError) in
            switch order {
            case .cancel: try await store.cancel(parcel.id, at: now, by: "key_7")
            case .retry: try await store.retry(parcel.id, at: now, by: "key_7")
            case .hold: try await store.hold(parcel.id, at: now, by: "key_7")
            case .release: try await store.release(parcel.id, at: now, by: "key_7")
            case .reroute, .escalate:
                try await store.carryOut(order, on: [entry.key], at: now, by: "key_7")
            }
        }
        guard let after else {
            await #expect(throws: StoreError.self) { try await carryOut() }
            #expect(try await store.message(parcel.id)?.status == before)
            return
        }
        let change = try await carryOut()
        #expect(change.keys == [entry.key])
        #expect(change.entries.map(\.key) == (after == .queued ? [entry.key] : []))
        #expect(change.entries.allSatisfy { $0.due == now })
        #expect(try await store.message(parcel.id)?.status == after)
        let told = try #require(try await store.events(of: parcel.id).last)
        #expect(told.type == order.event && told.detail == #"{"by":"key_7"}"#)
        #expect(store.unfinishedMessages == (after.isFinal ? 0 : 1))
        #expect(try await store.pending(after: nil, limit: 9).entries == change.entries)
    }

    @Test("released before its time a message is scheduled again")
    func scheduled() async throws {
        let bench = Workbench()
        let store = try bench.open()
        let sendAt = bench.now() + .seconds(60)
        let parcel = bench.parcel { $0.sendAt = sendAt }
        _ = try await store.keep([parcel])
        _ = try await store.hold(parcel.id, at: bench.now(), by: "")
        let change = try await store.release(parcel.id, at: bench.now(), by: "")
        #expect(change.entries.allSatisfy { $0.status == .scheduled && $0.due == sendAt })
        #expect(change.entries.count == 2)
    }

    @Test("an order for a message that is not there is not found")
    func unknown() async throws {
        let bench = Workbench()
        let store = try bench.open()
        await #expect(throws: StoreError.notFound) {
            try await store.cancel(MessageID(at: bench.now()), at: bench.now(), by: "")
        }
    }

    @Test("only the recipients in a state for it change")
    func mixed() async throws {
        let bench = Workbench()
        let store = try bench.open()
        let parcel = bench.parcel()
        let entries = try await store.keep([parcel]).entries
        try await store.settle([Settlement(entries[0], .relayed)])
        let change = try await store.cancel(parcel.id, at: bench.now(), by: "")
        #expect(change.keys == [entries[1].key])
        let found = try #require(try await store.message(parcel.id))
        #expect(found.recipients.map(\.status) == [.relayed, .canceled])
        #expect(found.status == .canceled)
    }

    @Test("the worst status of a message is the contract's")
    func worst() {
        let order: [RecipientStatus] = [
            .failed, .expired, .uncertain, .suppressed, .deferred, .held, .sending, .queued,
            .scheduled, .canceled, .relayed, .delivered,
        ]
        #expect(order.count == RecipientStatus.allCases.count)
        for (place, status) in order.enumerated() {
            #expect(RecipientStatus.worst(of: order[place...].shuffled()) == status)
            #expect(RecipientStatus(name: status.name) == status)
        }
    }
}
