import Glibc
import Testing

@testable import Net

extension NetTests {
    @Suite("A stream carries octets both ways")
    struct EchoTests {
        @Test(
            "what was sent comes back, whatever its size",
            arguments: [0, 1, 100, 65_535, 65_536, 65_537, 5_000_003]
        )
        func sizes(_ size: Int) async throws {
            try await withLoops { loops in
                let listener = try Listener(loopback)
                defer { listener.stop() }
                listener.start(on: loops, serve: returnAll)
                let connection = try await Connection.connect(
                    to: listener.local,
                    within: .seconds(5)
                )
                let sent = pattern(size)
                try await connection.send(sent, within: .seconds(10))
                try await connection.finishSending(within: .seconds(1))
                #expect(try await connection.receiveAll() == sent)
            }
        }

        @Test("300 connections talk at once, spread over both loops")
        func manyConnections() async throws {
            try await withLoops { loops in
                let listener = try Listener(loopback)
                defer { listener.stop() }
                let used = Shared<[ObjectIdentifier: Int]>([:])
                listener.start(on: loops) { connection in
                    if let loop = EventLoop.current {
                        let name = ObjectIdentifier(loop)
                        used.change { $0[name, default: 0] += 1 }
                    }
                    await echo(connection)
                }
                let good = Shared(0)
                for number in 0..<300 {
                    loops.next().start {
                        if await converse(with: listener.local, number) { good.change { $0 += 1 } }
                    }
                }
                #expect(await eventually { good.value == 300 })
                #expect(used.value.count == 2 && used.value.values.allSatisfy { $0 >= 75 })
                #expect(await eventually { loops.connectionCount == 0 })
            }
        }

        @Test("both families listen on one port", arguments: ["127.0.0.1", "::1"])
        func families(_ ip: String) async throws {
            try await withLoops { loops in
                let four = try Listener(anyPort(on: "0.0.0.0"))
                let six = try Listener(anyPort(on: "::", four.local.port))
                defer { four.stop() }
                defer { six.stop() }
                for listener in [four, six] {
                    listener.start(on: loops) { connection in
                        try? await connection.send("\(connection.local) \(connection.peer)")
                    }
                }
                let address = anyPort(on: ip, four.local.port)
                let connection = try await Connection.connect(to: address, within: .seconds(5))
                #expect(try await connection.receiveText() == "\(address) \(connection.local)")
                #expect(connection.peer == address)
            }
        }

        @Test("small answers are not held back")
        func noDelay() async throws {
            try await withLoops { loops in
                let listener = try Listener(loopback)
                defer { listener.stop() }
                let accepted = Shared(Int32(-1))
                listener.start(on: loops) { connection in
                    let found = noDelayOption(connection.watch.number)
                    accepted.change { $0 = found }
                    try? await connection.send("x")
                }
                let connection = try await Connection.connect(
                    to: listener.local,
                    within: .seconds(5)
                )
                _ = try await connection.receiveText()
                #expect(noDelayOption(connection.watch.number) == 1)
                #expect(accepted.value == 1)
            }
        }
    }
}

private func noDelayOption(_ number: Int32) -> Int32 {
    var value: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    getsockopt(number, Int32(IPPROTO_TCP), TCP_NODELAY, &value, &length)
    return value
}

private func converse(with address: SocketAddress, _ number: Int) async -> Bool {
    do {
        let connection = try await Connection.connect(to: address, within: .seconds(10))
        for round in 0..<5 {
            let words = pattern(1 + (number * 37 + round * 1_001) % 9_000, seed: number)
            try await connection.send(words, within: .seconds(10))
            guard try await connection.receive(exactly: words.count) == words else { return false }
        }
        return true
    } catch {
        return false
    }
}

extension NetTests {
    @Suite("What was received can be given back")
    struct PutBackTests {
        @Test("and comes again first, whatever its size", arguments: [1, 100, 65_536, 65_548])
        func order(_ size: Int) async throws {
            try await withLoops { loops in
                let listener = try Listener(loopback)
                defer { listener.stop() }
                listener.start(on: loops, serve: returnAll)
                let connection = try await Connection.connect(
                    to: listener.local,
                    within: .seconds(5)
                )
                try await connection.send(pattern(3), within: .seconds(5))
                try await connection.finishSending(within: .seconds(1))
                connection.putBack(pattern(size))
                #expect(try await connection.receiveAll() == pattern(size) + pattern(3))
            }
        }
    }
}
