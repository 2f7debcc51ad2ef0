import Net

/// Keep-alive connections that each ask, wait for the answer, and ask again.
struct HTTPLoad: Sendable {
    let address: SocketAddress
    /// Asked in turn, each as it goes over the wire.
    let requests: [[UInt8]]
    /// What every answer must say.
    let status: Int

    func run(
        connections: Int,
        _ extent: Extent,
        on loop: EventLoop
    ) async throws(Invalid) -> LoadResult {
        try await Crowd.run(connections, on: loop) { number async throws(Invalid) in
            do {
                return try await client(number, extent)
            } catch let error as Invalid {
                throw error
            } catch {
                throw Invalid("HTTP at \(address): \(error)")
            }
        }
    }

    private func client(_ number: Int, _ extent: Extent) async throws -> Latencies {
        let connection = try await Connection.connect(to: address, within: .seconds(20))
        var reader = HTTPAnswerReader()
        var latencies = Latencies()
        var turn = number
        while extent.takeOne() {
            let start = Clock.now
            try await connection.send(requests[turn % requests.count], within: .seconds(60))
            let found = try await reader.read(connection)
            guard found == status else {
                throw Invalid("an answer was not \(status):\n\(reader.text.prefix(1000))")
            }
            latencies.note(since: start)
            turn += 1
        }
        return latencies
    }
}

extension HTTPAnswerReader {
    /// The status of the next answer.
    mutating func read(_ connection: Connection) async throws(StreamError) -> Int {
        while true {
            let piece = try await connection.receive(within: .seconds(120)) { receive($0) }
            guard let piece else { throw .closed }
            if let status = piece { return status }
        }
    }
}
