import Mail
import Policy
import Store
import Testing

@testable import Gateway

@Suite("What the inventory tells the audit")
struct SourceAuditTests {
    private static let days = Duration.seconds(86_400)

    private static func configuration(_ members: String = "") throws -> Configuration {
        try readConfiguration(
            configurationFile(
                connector: """
                    permissionGroups: ["anonymous"], rights: ["acceptAnyRecipient"],
                    remoteIPRanges: ["10.1.20.7", "10.1.30.0/28", "10.1.40.1"],
                    """,
                members
            )
        )
    }

    private static func sighting(
        _ address: String,
        daysAgo: Int,
        tls: String? = nil,
        helo: String? = nil
    ) -> (SourceSighting.Key, SourceSighting) {
        var sighting = SourceSighting(at: Counter.start - days * daysAgo)
        (sighting.tlsVersion, sighting.helo) = (tls, helo)
        let key = SourceSighting.Key(
            address: IPAddress(address) ?? .loopback,
            connector: "Default",
            application: nil
        )
        return (key, sighting)
    }

    private static func texts(
        _ drawer: Drawer,
        _ configuration: Configuration
    ) async throws -> [String] {
        try await SourceAudit.findings(drawer.store, configuration, at: Counter.start)
            .map { "\($0.code) \($0.subject): \($0.text)" }
    }

    @Test("names the members of relay ranges that nobody came from in 90 days")
    func silence() async throws {
        let drawer = try Drawer()
        let configuration = try Self.configuration()
        let watched = configuration.rulebook.watchedRanges
        #expect(watched.count == 3)
        try await drawer.store.watch(watched, from: Counter.start - Self.days * 89)
        #expect(try await Self.texts(drawer, configuration) == [])
        try await drawer.store.watch([], from: Counter.start)
        try await drawer.store.watch(watched, from: Counter.start - Self.days * 91)
        try await drawer.store.noteSources([
            Self.sighting("10.1.20.7", daysAgo: 91), Self.sighting("10.1.30.9", daysAgo: 3),
        ])
        let found = try await Self.texts(drawer, configuration)
        #expect(found.count == 2)
        #expect(found.allSatisfy { $0.hasPrefix("unseen_range Default: ") })
        #expect(found.contains { $0.contains(": 10.1.20.7 has not been seen for 90 days") })
        #expect(found.contains { $0.contains(": 10.1.40.1 has not been seen for 90 days") })
        // Who was away cannot be known where nobody remembers.
        let forgetful = try Self.configuration("retention: { history: \"30d\" },")
        #expect(try await Self.texts(drawer, forgetful) == [])
    }

    @Test("says so when it does not name all who need old TLS")
    func manyWithOldTLS() async throws {
        let drawer = try Drawer()
        for count in [100, 101] {
            let devices = (1...count).map {
                Self.sighting("10.1.20.\($0)", daysAgo: 1, tls: "TLSv1", helo: "copier")
            }
            try await drawer.store.noteSources(devices)
            let found = try await Self.texts(drawer, try Self.configuration())
            #expect(found.count == count)
            #expect(found.last?.contains("source list shows all") == (count > 100))
        }
    }

    @Test("names who still needs old TLS", arguments: ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"])
    func oldTLS(version: String) async throws {
        let drawer = try Drawer()
        try await drawer.store.noteSources([
            Self.sighting("10.1.20.7", daysAgo: 1, tls: version, helo: "copier")
        ])
        let found = try await Self.texts(drawer, try Self.configuration())
        let isOld = ["TLSv1", "TLSv1.1"].contains(version)
        #expect(found.count == (isOld ? 1 : 0))
        #expect(
            !isOld
                || found[0].hasPrefix(
                    "needs_old_tls Default: 10.1.20.7 (copier) still needs \(version);"
                )
        )
    }
}
