import Mail
import Policy
import Testing

@testable import Gateway

@Suite("Who is connected")
struct ConnectionCensusTests {
    private let now = Timestamp(milliseconds: 1_700_000_000_000)

    private func connector(perSource: Int?) -> ReceiveConnector {
        var connector = ReceiveConnector(name: "Devices", door: .smtp, bindings: [])
        connector.limits.connectionsPerSource = perSource
        return connector
    }

    private func neighbour(_ number: Int, of network: UInt128 = 0x2001_0db8) -> IPAddress {
        IPAddress(v6: network << 96 | UInt128(number))
    }

    @Test("a source has its number of connections, and its own again when one ends")
    func sources() {
        let (census, connector) = (ConnectionCensus(), connector(perSource: 2))
        let (printer, scanner) = (IPAddress(v4: 0x0a01_1407), IPAddress(v4: 0x0a01_1408))
        #expect(census.enter(connector, printer, at: now))
        #expect(census.enter(connector, printer, at: now))
        #expect(!census.enter(connector, printer, at: now))
        #expect(census.enter(connector, scanner, at: now))
        census.leave(connector, printer)
        #expect(census.enter(connector, printer, at: now))
        let figures = census.figures(of: "Devices")
        #expect(
            (figures.open, figures.acceptedConnections, figures.refusedConnections) == (3, 4, 1)
        )
    }

    @Test("an IPv6 network has those of eight addresses, however many it comes from")
    func networks() {
        let (census, connector) = (ConnectionCensus(), connector(perSource: 2))
        let entered = (1...100).filter { census.enter(connector, neighbour($0), at: now) }
        #expect(entered.count == 16)
        #expect(census.enter(connector, neighbour(1, of: 0x2001_0db9), at: now))
        census.leave(connector, neighbour(1))
        #expect(census.enter(connector, neighbour(500), at: now))
        #expect(!census.enter(connector, neighbour(501), at: now))
    }

    @Test("where a source has no bound its network has none")
    func unbounded() {
        let (census, connector) = (ConnectionCensus(), connector(perSource: nil))
        #expect((1...100).allSatisfy { census.enter(connector, neighbour($0), at: now) })
    }
}
