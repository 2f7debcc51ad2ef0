import Mail
import Testing

@testable import Store

@Suite("An idempotency key") struct IdempotencyTests {
    private func claim(
        _ key: String = "k",
        scope: String = "app",
        fingerprint: UInt8 = 1,
        body: String = "first",
        expires: Timestamp = Timestamp(milliseconds: .max)
    ) -> IdempotencyClaim {
        IdempotencyClaim(
            scope: scope,
            key: key,
            fingerprint: [fingerprint],
            answer: StoredAnswer(
                status: 202,
                headers: [("Location", "/v1/messages/1"), ("X", "\"")],
                body: Array(body.utf8)
            ),
            expires: expires
        )
    }

    @Test("used again it is answered as before, and nothing is kept")
    func replay() async throws {
        let bench = Workbench()
        let store = try bench.open()
        #expect(try await store.answer(to: claim(), at: bench.now()) == nil)
        _ = try await store.keep([bench.parcel()], claim: claim())
        let second = bench.parcel()
        let outcome = try await store.keep([second], claim: claim(body: "second"))
        guard case .replayed(let answer) = outcome else { return #expect(Bool(false)) }
        #expect(answer == claim().answer)
        #expect(try await store.message(second.id) == nil)
        guard case .replayed = try await store.answer(to: claim(), at: bench.now()) else {
            return #expect(Bool(false))
        }
    }

    @Test("used for something else it is refused, in another scope it is another key")
    func mismatch() async throws {
        let bench = Workbench()
        let store = try bench.open()
        _ = try await store.keep([bench.parcel()], claim: claim())
        let other = try await store.keep([bench.parcel()], claim: claim(fingerprint: 2))
        guard case .mismatched = other else { return #expect(Bool(false)) }
        let elsewhere = try await store.keep([bench.parcel()], claim: claim(scope: "b"))
        #expect(elsewhere.entries.count == 2)
        #expect(store.unfinishedMessages == 2)
    }

    @Test("expired it is free again, and the sweep removes it")
    func expiry() async throws {
        let bench = Workbench()
        let store = try bench.open()
        let soon = bench.now() + .milliseconds(2)
        _ = try await store.keep([bench.parcel()], claim: claim(expires: soon))
        _ = bench.now()
        let later = bench.now()
        #expect(try await store.answer(to: claim(), at: later) == nil)
        let again = try await store.keep([bench.parcel()], claim: claim(fingerprint: 9))
        #expect(again.entries.count == 2)

        _ = try await store.keep([bench.parcel()], claim: claim("old", expires: soon))
        try await store.sweepAnswers(expiredAt: later)
        let left = try await store.read { database throws(StoreError) in
            try database.select("SELECT key FROM answer") { $0.text(0) }
        }
        #expect(left == ["k"])
    }

    @Test("of many at once one is kept and the others are answered as it was")
    func race() async throws {
        let bench = Workbench()
        let store = try bench.open()
        let kept = try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<40 {
                group.addTask {
                    let outcome = try await store.keep([bench.parcel()], claim: claim())
                    if case .kept = outcome { return true }
                    guard case .replayed = outcome else { throw StoreError.notFound }
                    return false
                }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(kept == 1)
        #expect(store.unfinishedMessages == 1)
    }
}
