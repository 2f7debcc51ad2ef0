import Mail
import Policy
import Store
import Testing

@testable import Gateway

private func client(_ address: UInt32, _ principal: Principal = .anonymous) -> Client {
    Client(
        connector: ReceiveConnector(name: "Printers", door: .smtp, bindings: []),
        peer: IPAddress(v4: address),
        principal: principal,
        isSecure: false
    )
}

private func sighting(messages: Int = 1, _ helo: String? = nil) -> SourceSighting {
    var sighting = SourceSighting(at: Counter.start)
    (sighting.messages, sighting.helo) = (messages, helo)
    return sighting
}

@Suite("Sources between two writings")
struct SourceInventoryTests {
    @Test("what is noted of one is added up and written once")
    func gathering() async throws {
        let drawer = try Drawer()
        let inventory = SourceInventory(drawer.store)
        for _ in 0..<3 { inventory.note(sighting(), of: client(1)) }
        inventory.note(sighting(), of: client(2))
        try await inventory.flush()
        try await inventory.flush()
        inventory.note(sighting(messages: 2, "printer"), of: client(1))
        try await inventory.flush()
        let rows = try await drawer.store.sources(SourceQuery()).records
        let counts = Dictionary(
            uniqueKeysWithValues: rows.map { ($0.key.address.value, $0.sighting.messages) }
        )
        #expect(counts == [1: 5, 2: 1])
        #expect(rows.contains { $0.sighting.helo == "printer" })
    }

    @Test("a flood of addresses fills neither the memory nor the store")
    func flood() async throws {
        let drawer = try Drawer()
        let inventory = SourceInventory(drawer.store)
        for address in 0..<25_000 { inventory.note(sighting(), of: client(UInt32(address))) }
        inventory.note(sighting(), of: client(7))
        try await inventory.flush()
        var query = SourceQuery(limit: 30_000)
        #expect(try await drawer.store.sources(query).records.count == 20_000)
        query.addresses = IPAddress(v4: 7)...IPAddress(v4: 7)
        #expect(try await drawer.store.sources(query).records.first?.sighting.messages == 2)
    }
}
