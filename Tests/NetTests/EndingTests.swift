import CLinux
import Glibc
import Testing

@testable import Net

extension NetTests {
    @Suite("Every wait ends, and says why")
    struct EndingTests {
        @Test("a port where nobody listens refuses")
        func refused() async throws {
            try await withLoops { loops in
                let listener = try Listener(loopback)
                listener.stop()
                let (error, _) = await failure {
                    _ = try await Connection.connect(to: listener.local, within: .seconds(5))
                }
                #expect(error == .system(operation: "connect", errno: ECONNREFUSED))
                #expect(error?.description == "connect: Connection refused")
                #expect(loops.connectionCount == 0)
            }
        }

        @Test("a peer that does not answer is given up in time")
        func connectTimeout() async throws {
            try await withLoops { _ in
                // The kernel drops what comes to a full queue; nobody takes anything out of this one.
                let full = try FullQueue()
                let (error, after) = await failure {
                    for _ in 0..<8 {
                        full.hold(
                            try await Connection.connect(
                                to: full.address,
                                within: .milliseconds(150)
                            )
                        )
                    }
                }
                #expect(error == .timedOut)
                #expect(after >= .milliseconds(150) && after < .seconds(3))
            }
        }

        @Test("a silent peer is given up in time, and not before")
        func receiveTimeout() async throws {
            try await withLoops { loops in
                let listener = try Listener(loopback)
                defer { listener.stop() }
                listener.start(on: loops, serve: ignore)
                let connection = try await Connection.connect(
                    to: listener.local,
                    within: .seconds(5)
                )
                for limit in [Duration.milliseconds(120), .milliseconds(30), .milliseconds(60)] {
                    let (error, after) = await failure {
                        _ = try await connection.receive(within: limit) { $0.count }
                    }
                    #expect(error == .timedOut)
                    #expect(after >= limit && after < limit + .seconds(1))
                }
            }
        }

        @Test("a peer that does not read holds nobody for ever")
        func sendTimeout() async throws {
            try await withLoops { loops in
                let listener = try Listener(loopback)
                defer { listener.stop() }
                listener.start(on: loops, serve: ignore)
                let connection = try await Connection.connect(
                    to: listener.local,
                    within: .seconds(5)
                )
                let (error, after) = await failure {
                    try await connection.send(
                        [UInt8](repeating: 7, count: 30_000_000),
                        within: .milliseconds(100)
                    )
                }
                #expect(error == .timedOut)
                #expect(after >= .milliseconds(100) && after < .seconds(3))
            }
        }

        @Test("a slow reader gets everything")
        func slowReader() async throws {
            try await withLoops { loops in
                let listener = try Listener(loopback)
                defer { listener.stop() }
                let sent = pattern(7_000_000)
                listener.start(on: loops) { connection in
                    try? await connection.send(sent, within: .seconds(20))
                }
                let connection = try await Connection.connect(
                    to: listener.local,
                    within: .seconds(5)
                )
                var received: [UInt8] = []
                while let octets = try await connection.receive(
                    within: .seconds(5),
                    { [UInt8](copying: $0) }
                ) {
                    received += octets
                    if received.count < 500_000 { await loops.all[0].sleep(for: .milliseconds(5)) }
                }
                #expect(received == sent)
            }
        }

        @Test("a peer that breaks off is heard")
        func reset() async throws {
            try await withLoops { loops in
                let listener = try Listener(loopback)
                defer { listener.stop() }
                listener.start(on: loops) { connection in
                    _ = try? await connection.receiveText()
                    var linger = linger(l_onoff: 1, l_linger: 0)
                    let size = socklen_t(MemoryLayout.size(ofValue: linger))
                    setsockopt(connection.watch.number, SOL_SOCKET, SO_LINGER, &linger, size)
                    connection.close()
                }
                let connection = try await Connection.connect(
                    to: listener.local,
                    within: .seconds(5)
                )
                try await connection.send("hello")
                let (error, _) = await failure { _ = try await connection.receiveText() }
                #expect(error == .reset)
                let (second, _) = await failure { try await connection.send("anyone?") }
                #expect(second == .reset)
            }
        }

        @Test("the last reference dropped is a connection closed")
        func dropped() async throws {
            try await withLoops { loops in
                let listener = try Listener(loopback)
                defer { listener.stop() }
                listener.start(on: loops) { connection in try? await connection.send("bye") }
                let connection = try await Connection.connect(
                    to: listener.local,
                    within: .seconds(5)
                )
                #expect(try await connection.receiveAll() == Array("bye".utf8))
                #expect(try await connection.receiveText() == nil)
            }
        }

        @Test("a closed connection does nothing any more")
        func closed() async throws {
            try await withLoops { loops in
                let listener = try Listener(loopback)
                defer { listener.stop() }
                listener.start(on: loops, serve: echo)
                let connection = try await Connection.connect(
                    to: listener.local,
                    within: .seconds(5)
                )
                connection.close()
                connection.close()
                #expect(!connection.isOpen)
                #expect(await failure { try await connection.send("x") }.error == .closed)
                #expect(await failure { _ = try await connection.receiveText() }.error == .closed)
                #expect(await eventually { loops.connectionCount == 0 })
            }
        }

        @Test("an answer survives a request that nobody read to its end")
        func finish() async throws {
            try await withLoops { loops in
                let listener = try Listener(loopback)
                defer { listener.stop() }
                listener.start(on: loops) { connection in
                    try? await connection.send("413")
                    await connection.finish(within: .seconds(5))
                }
                let connection = try await Connection.connect(
                    to: listener.local,
                    within: .seconds(5)
                )
                try await connection.send(pattern(2_000_000), within: .seconds(5))
                #expect(try await connection.receiveText() == "413")
                connection.close()
                #expect(await eventually { loops.connectionCount == 0 })
            }
        }

        @Test("3,000 short connections leave no descriptor behind")
        func leaks() async throws {
            let before = openDescriptors()
            try await withLoops { loops in
                let listener = try Listener(loopback)
                listener.start(on: loops, serve: echo)
                let done = Shared(0)
                for lane in 0..<10 {
                    loops.next().start {
                        for round in 0..<300 {
                            let good = (try? await visit(listener.local, closing: round % 3)) != nil
                            if good { done.change { $0 += 1 } }
                        }
                        _ = lane
                    }
                }
                for _ in 0..<2_000 where done.value < 3_000 {
                    await loops.all[0].sleep(for: .milliseconds(5))
                }
                #expect(done.value == 3_000)
                #expect(await eventually { loops.connectionCount == 0 && loops.acceptedCount == 0 })
                listener.stop()
            }
            #expect(await eventually { openDescriptors() <= before })
        }
    }
}

private func visit(_ address: SocketAddress, closing manner: Int) async throws(StreamError) {
    let connection = try await Connection.connect(to: address, within: .seconds(10))
    if manner == 2 { return }
    try await connection.send("ping")
    guard try await connection.receiveText() == "ping" else { throw .reset }
    if manner == 1 { connection.close() }
}

/// A listening socket whose queue nobody empties.
private final class FullQueue {
    let address: SocketAddress
    private let descriptor: Descriptor
    private var held: [Connection] = []

    init() throws {
        descriptor = Descriptor(owning: linux_stream_socket(AF_INET))
        let number = descriptor.number
        _ = loopback.withKernelForm { storage, length in
            storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(number, $0, length) }
        }
        listen(number, 0)
        address = try SocketAddress(localOf: number)
    }

    func hold(_ connection: Connection) { held.append(connection) }
}
