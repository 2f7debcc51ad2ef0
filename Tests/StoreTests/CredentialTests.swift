import Mail
import Testing

@testable import Store

@Suite("Credentials of devices") struct CredentialTests {
    private func application(_ name: String, _ bench: Workbench) -> ApplicationRecord {
        ApplicationRecord(id: ApplicationID(at: bench.now()), name: name, createdAt: bench.now())
    }

    private func credential(
        _ name: String,
        of application: ApplicationRecord,
        sealed: [UInt8]? = nil,
        _ bench: Workbench
    ) -> CredentialRecord {
        CredentialRecord(
            id: CredentialID(at: bench.now()),
            application: application.id,
            username: name,
            verifier: "$scrypt$…",
            sealedSecret: sealed,
            createdAt: bench.now()
        )
    }

    @Test(
        "a credential is read as it was written, keeps its last use, and goes with its application"
    )
    func lifecycle() async throws {
        let bench = Workbench()
        let store = try bench.open()
        let (scanners, ups) = (application("scanners", bench), application("ups", bench))
        try await store.insert(scanners)
        try await store.insert(ups)
        var first = credential("floor1", of: scanners, sealed: [1, 0, 2], bench)
        let second = credential("floor2", of: scanners, sealed: [], bench)
        let third = credential("battery", of: ups, bench)
        for record in [first, second, third] { try await store.insert(record) }
        #expect(try await store.credentials() == [third, first, second])
        let moments = (0..<2).map { _ in bench.now() }
        try await store.noteUse([first.id: moments[1], CredentialID(at: moments[0]): moments[0]])
        try await store.noteUse([first.id: moments[0]])
        first.lastUsedAt = moments[1]
        try await store.remove(second.id)
        #expect(try await store.credentials() == [third, first])
        try await store.remove(scanners.id)
        #expect(try await store.credentials() == [third])
    }

    @Test(
        "a user name is unique whatever its letters' case, and needs an application that is there"
    )
    func refusals() async throws {
        let bench = Workbench()
        let store = try bench.open()
        let (scanners, gone) = (application("scanners", bench), application("gone", bench))
        try await store.insert(scanners)
        try await store.insert(credential("Floor-1", of: scanners, bench))
        let twin = credential("fLOOR-1", of: scanners, bench)
        await #expect {
            try await store.insert(twin)
        } throws: { error in
            if case .conflict? = error as? StoreError { true } else { false }
        }
        let orphan = credential("orphan", of: gone, bench)
        await #expect(throws: StoreError.notFound) { try await store.insert(orphan) }
        await #expect(throws: StoreError.notFound) { try await store.remove(orphan.id) }
        #expect(try await store.credentials().map(\.username) == ["Floor-1"])
    }
}
