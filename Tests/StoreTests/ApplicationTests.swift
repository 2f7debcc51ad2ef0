import Mail
import Testing

@testable import Policy
@testable import Store

@Suite("Applications and keys") struct ApplicationTests {
    private func application(_ name: String, _ bench: Workbench) -> ApplicationRecord {
        ApplicationRecord(
            id: ApplicationID(at: bench.now()),
            name: name,
            relaysExternally: true,
            senders: ["*@corp.example"],
            scopes: ["messages:send", "messages:read"],
            rate: 60,
            ipRanges: ["10.0.0.0/8"],
            defaultFrom: "nas@corp.example",
            defaultTo: ["it@corp.example"],
            createdAt: bench.now()
        )
    }

    private func key(_ id: String, of application: ApplicationID?, _ bench: Workbench) -> KeyRecord
    {
        KeyRecord(
            id: id,
            kind: application == nil ? .administrator : .application,
            application: application,
            secretHash: [1, 2, 3],
            name: "first",
            createdAt: bench.now()
        )
    }

    @Test("an application is read as it was written, changed, and gone with its keys")
    func lifecycle() async throws {
        let bench = Workbench()
        let store = try bench.open()
        var (nas, siem) = (application("nas", bench), application("siem", bench))
        siem.rate = nil
        siem.senders = []
        siem.defaultFrom = nil
        try await store.insert(siem)
        try await store.insert(nas)
        #expect(try await store.applications() == [nas, siem])
        nas.name = "backup"
        nas.recipients = ["*@corp.example"]
        nas.certificates = ["aa", "bb"]
        try await store.update(nas)
        try await store.insert(key("k1", of: nas.id, bench))
        try await store.insert(key("k2", of: siem.id, bench))
        try await store.insert(key("k3", of: nil, bench))
        try await store.remove(siem.id)
        #expect(try await store.applications() == [nas])
        #expect(try await store.keys().map(\.id) == ["k1", "k3"])
    }

    @Test("a name or an id that is taken is a conflict, one that is not there is not found")
    func refusals() async throws {
        let bench = Workbench()
        let store = try bench.open()
        let (nas, siem) = (application("nas", bench), application("siem", bench))
        try await store.insert(nas)
        func isConflict(_ work: () async throws(StoreError) -> Void) async -> Bool {
            do throws(StoreError) { try await work() } catch {
                if case .conflict = error { return true }
            }
            return false
        }
        let twin = application("nas", bench)
        #expect(await isConflict { () throws(StoreError) in try await store.insert(twin) })
        try await store.insert(siem)
        var renamed = siem
        renamed.name = "nas"
        let taken = renamed
        #expect(await isConflict { () throws(StoreError) in try await store.update(taken) })
        let one = key("k1", of: nas.id, bench)
        try await store.insert(one)
        #expect(await isConflict { () throws(StoreError) in try await store.insert(one) })
        await #expect(throws: StoreError.notFound) { try await store.update(twin) }
        await #expect(throws: StoreError.notFound) { try await store.remove(twin.id) }
        await #expect(throws: StoreError.notFound) { try await store.revoke("no", at: .now) }
        await #expect(throws: StoreError.notFound) { try await store.removeKey("no") }
    }

    @Test("a key keeps its first revocation and its last use")
    func keys() async throws {
        let bench = Workbench()
        let store = try bench.open()
        var record = key("k1", of: nil, bench)
        try await store.insert(record)
        #expect(try await store.keys() == [record])
        let moments = (0..<4).map { _ in bench.now() }
        try await store.revoke("k1", at: moments[0])
        try await store.revoke("k1", at: moments[1])
        try await store.updateKey("k1", expiresAt: moments[3])
        try await store.noteUse([("k1", moments[2]), ("gone", moments[2]), ("k1", moments[1])])
        record.revokedAt = moments[0]
        record.expiresAt = moments[3]
        record.lastUsedAt = moments[2]
        #expect(try await store.keys() == [record])
        try await store.removeKey("k1")
        #expect(try await store.keys().isEmpty)
    }

    @Test("a message shows its application's name while there is one")
    func names() async throws {
        let bench = Workbench()
        let store = try bench.open()
        let nas = application("nas", bench)
        try await store.insert(nas)
        let parcel = bench.parcel(
            principal: .application(.init(id: nas.id, name: "nas", mayRelay: true))
        )
        _ = try await store.keep([parcel])
        #expect(try await store.message(parcel.id)?.applicationName == "nas")
        try await store.remove(nas.id)
        let found = try #require(try await store.message(parcel.id))
        #expect(found.applicationName == nil && found.application == nas.id)
    }
}
