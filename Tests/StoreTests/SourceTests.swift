import Mail
import Testing

@testable import Store

private func ip(_ text: String) -> IPAddress { IPAddress(text) ?? .loopback }

private func range(_ lower: String, _ upper: String) -> ClosedRange<IPAddress> {
    ip(lower)...ip(upper)
}

private func key(
    _ address: String,
    _ connector: String = "Printers",
    _ application: ApplicationID? = nil
) -> SourceSighting.Key {
    SourceSighting.Key(address: ip(address), connector: connector, application: application)
}

private func time(_ day: Int64) -> Timestamp { Timestamp(milliseconds: day * 86_400_000) }

private func sighting(
    _ day: Int64,
    _ change: (inout SourceSighting) -> Void = { _ in }
) -> SourceSighting {
    var sighting = SourceSighting(at: time(day))
    change(&sighting)
    return sighting
}

extension MailStore {
    fileprivate func addresses(
        _ change: (inout SourceQuery) -> Void = { _ in }
    ) async throws -> [String] {
        var query = SourceQuery()
        change(&query)
        return try await sources(query).records.map { "\($0.key.address)" }.sorted()
    }
}

@Suite("The inventory of sources")
struct SourceTests {
    @Test(
        "addresses of applications come once each, the latest first, and not those of the anonymous"
    )
    func addressesOfApplications() async throws {
        let store = try Workbench().open()
        let application = ApplicationID(high: 1, low: 2)
        try await store.noteSources([
            (key("10.1.20.7", "Printers", application), sighting(1)),
            (key("2001:db8::7", "Printers", application), sighting(2)),
            (key("10.1.20.7", "Other", application), sighting(3)),
            (key("10.1.20.8"), sighting(4)),
        ])
        let found = try await store.addressesOfApplications(most: 10)
        #expect(found == [ip("10.1.20.7"), ip("2001:db8::7")])
        #expect(try await store.addressesOfApplications(most: 1) == [ip("10.1.20.7")])
    }

    @Test("a connection in the clear hides no TLS that the device has shown")
    func evidence() async throws {
        let store = try Workbench().open()
        try await store.noteSources([
            (
                key("10.1.20.7"),
                sighting(1) { ($0.tlsVersion, $0.tlsCipher) = ("TLSv1", "AES128-SHA") }
            )
        ])
        try await store.noteSources([(key("10.1.20.7"), sighting(2))])
        #expect(try await store.addresses { $0.tlsVersions = ["TLSv1"] } == ["10.1.20.7"])
        var gathered = sighting(1) { ($0.tlsVersion, $0.tlsCipher) = ("TLSv1", "AES128-SHA") }
        gathered.add(sighting(2))
        #expect((gathered.tlsVersion, gathered.tlsCipher) == ("TLSv1", "AES128-SHA"))
    }

    @Test("one row holds all that was seen of an address, a connector and a principal")
    func gathering() async throws {
        let bench = Workbench()
        let store = try bench.open()
        let application = ApplicationID(high: 1, low: 2)
        try await store.noteSources([
            (
                key("10.1.20.7"),
                sighting(1) { ($0.helo, $0.quirks, $0.messages) = ("printer", 5, 2) }
            ),
            (key("10.1.20.7", "Other"), sighting(1)),
            (key("10.1.20.7", "Printers", application), sighting(1) { $0.mechanism = "LOGIN" }),
        ])
        try await store.noteSources([
            (
                key("::ffff:10.1.20.7"),
                sighting(3) {
                    ($0.tlsVersion, $0.tlsCipher) = ("TLSv1.2", "AES128-SHA")
                    ($0.quirks, $0.messages, $0.refusals) = (6, 1, 4)
                }
            )
        ])
        let all = try await store.sources(SourceQuery()).records
        #expect(all.count == 3)
        let row = try #require(all.first { $0.key == key("10.1.20.7") }?.sighting)
        #expect((row.firstSeen, row.lastSeen) == (time(1), time(3)))
        #expect((row.helo, row.tlsVersion, row.tlsCipher) == ("printer", "TLSv1.2", "AES128-SHA"))
        #expect((row.quirks, row.messages, row.refusals) == (7, 3, 4))
        let own = try await store.sources(SourceQuery(limit: 9).of(application)).records
        #expect(own.map(\.sighting.mechanism) == ["LOGIN"])
    }

    @Test("is searched by range, connector and version of TLS, page by page")
    func search() async throws {
        let bench = Workbench()
        let store = try bench.open()
        let addresses = ["10.1.20.7", "10.1.20.200", "10.1.21.1", "2001:db8::9", "::1"]
        try await store.noteSources(
            addresses.enumerated().map { index, address in
                (
                    key(address, index == 2 ? "B" : "A"),
                    sighting(1) { $0.tlsVersion = index == 1 ? "TLSv1" : nil }
                )
            }
        )
        #expect(
            try await store.addresses { $0.addresses = range("10.1.20.0", "10.1.20.255") } == [
                "10.1.20.200", "10.1.20.7",
            ]
        )
        #expect(
            try await store.addresses { $0.addresses = range("2001:db8::", "2001:db8::ffff") } == [
                "2001:db8::9"
            ]
        )
        #expect(try await store.addresses { $0.connector = "B" } == ["10.1.21.1"])
        #expect(
            try await store.addresses { $0.tlsVersions = ["TLSv1", "TLSv1.1"] } == ["10.1.20.200"]
        )
        var query = SourceQuery(limit: 2)
        var seen: [String] = []
        repeat {
            let page = try await store.sources(query)
            seen += page.records.map { "\($0.key.address)" }
            query.cursor = page.next
        } while query.cursor != nil
        #expect(seen == addresses.reversed())
    }

    @Test("forgets who was not seen for long, and the longest unseen of too many")
    func sweep() async throws {
        let bench = Workbench()
        let store = try bench.open()
        try await store.noteSources((1...9).map { (key("10.0.0.\($0)"), sighting(Int64($0))) })
        try await store.sweepSources(before: time(4), most: 100)
        #expect(try await store.addresses() == (4...9).map { "10.0.0.\($0)" })
        try await store.sweepSources(before: time(4), most: 2)
        #expect(try await store.addresses() == ["10.0.0.8", "10.0.0.9"])
    }

    @Test("tells the watched ranges from which nobody came, once they were watched long enough")
    func silence() async throws {
        let bench = Workbench()
        let store = try bench.open()
        let one = WatchedRange(connector: "Printers", addresses: range("10.1.20.7", "10.1.20.7"))
        let net = WatchedRange(connector: "Printers", addresses: range("10.1.30.0", "10.1.30.255"))
        let late = WatchedRange(connector: "Printers", addresses: range("10.1.40.1", "10.1.40.1"))
        try await store.watch([one, net], from: time(1))
        try await store.watch([one, net, late], from: time(50))
        #expect(try await store.silentRanges(since: time(1)) == [])
        #expect(try await store.silentRanges(since: time(10)) == [one, net])
        try await store.noteSources([
            (key("10.1.30.9"), sighting(12)), (key("10.1.20.7", "Other"), sighting(12)),
        ])
        #expect(try await store.silentRanges(since: time(10)) == [one])
        #expect(try await store.silentRanges(since: time(60)) == [one, net, late])
        try await store.watch([net], from: time(70))
        #expect(try await store.silentRanges(since: time(60)) == [net])
    }
}

extension SourceQuery {
    fileprivate func of(_ application: ApplicationID) -> SourceQuery {
        var query = self
        query.application = application
        return query
    }
}
