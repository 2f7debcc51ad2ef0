import Mail
import Testing

@testable import Store

@Suite("Retention") struct SweepTests {
    @Test("nothing unsent is ever removed, and everything finished is")
    func unsent() async throws {
        let bench = Workbench()
        let store = try bench.open()
        var dice = Dice(5)
        var messages: [(id: MessageID, key: MessageKey, isFinished: Bool)] = []
        for number in 0..<60 {
            let size = number % 5 == 0 ? 100_000 : 100
            let octets = [UInt8](repeating: UInt8(number), count: size)
            let parcel = bench.parcel(content: [.octets(octets)])
            let entries = try await store.keep([parcel]).entries
            var isFinished = true
            for entry in entries {
                let status = RecipientStatus.allCases.randomElement(using: &dice) ?? .queued
                if status == .held {
                    _ = try? await store.hold(parcel.id, at: bench.now(), by: "")
                } else {
                    try await store.settle([Settlement(entry, status, due: bench.now())])
                }
            }
            let found = try #require(try await store.message(parcel.id))
            for recipient in found.recipients where !recipient.status.isFinal { isFinished = false }
            messages.append((parcel.id, entries[0].key.message, isFinished))
        }
        let later = Timestamp.now
        while try await store.sweep(contentBefore: later, historyBefore: .zero, limit: 7) > 0 {}
        for message in messages {
            #expect(try await store.message(message.id) != nil)
            if message.isFinished {
                await #expect(throws: StoreError.notFound) {
                    try await store.content(of: message.key).all()
                }
            } else {
                #expect(try await store.content(of: message.key).all().count >= 100)
            }
        }
        while try await store.sweep(contentBefore: .zero, historyBefore: later, limit: 7) > 0 {}
        for message in messages {
            #expect((try await store.message(message.id) == nil) == message.isFinished)
        }
        let left = messages.filter { !$0.isFinished }.count
        #expect(left > 5 && left < 55)
        #expect(try await store.count("SELECT count(*) FROM message") == left)
        #expect(try await store.count("SELECT count(DISTINCT message) FROM event") == left)
        #expect(try await store.count("SELECT count(DISTINCT message) FROM recipient") == left)
        let contents = "SELECT (SELECT count(*) FROM body) + (SELECT count(*) FROM piece)"
        #expect(try await store.count(contents) == left)
        #expect(store.unfinishedMessages == left)
    }

    @Test("the young stay")
    func young() async throws {
        let bench = Workbench()
        let store = try bench.open()
        let (old, young) = (bench.parcel(), bench.parcel())
        let entries = try await store.keep([old, young]).entries
        try await store.settle(entries.map { Settlement($0, .delivered) })
        let limit = young.createdAt
        #expect(try await store.sweep(contentBefore: limit, historyBefore: limit, limit: 9) == 1)
        #expect(try await store.sweep(contentBefore: limit, historyBefore: limit, limit: 9) == 0)
        #expect(try await store.message(old.id) == nil)
        #expect(try await store.content(of: entries[2].key.message).next() != nil)
    }

    @Test("what lost its content cannot be sent again")
    func retry() async throws {
        let bench = Workbench()
        let store = try bench.open()
        let parcel = bench.parcel()
        let entries = try await store.keep([parcel]).entries
        try await store.settle(entries.map { Settlement($0, .failed) })
        _ = try await store.sweep(contentBefore: .now, historyBefore: .zero, limit: 9)
        await #expect(throws: StoreError.conflict("the content is no longer kept")) {
            try await store.retry(parcel.id, at: bench.now(), by: "")
        }
    }

    @Test("no number is given twice, whatever was removed")
    func numbers() async throws {
        let bench = Workbench()
        let store = try bench.open()
        let entries = try await store.keep([bench.parcel(), bench.parcel()]).entries
        try await store.settle(entries.map { Settlement($0, .relayed) })
        let last = try #require(try await store.eventPage(EventQuery(limit: 99)).events.last)
        #expect(try await store.sweep(contentBefore: .now, historyBefore: .now, limit: 9) == 2)
        #expect(try await store.eventPage(EventQuery(limit: 99)).events.isEmpty)
        store.close()
        let again = try bench.open()
        let fresh = try await again.keep([bench.parcel()]).entries
        #expect(fresh[0].key.message > entries[3].key.message)
        #expect(
            try await again.eventPage(EventQuery(after: last.number, limit: 9)).events.count == 1
        )
    }
}

extension Timestamp {
    static let zero = Timestamp(milliseconds: 0)
}
