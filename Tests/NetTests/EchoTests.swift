import Net
import Testing

@Suite("A stream carries octets both ways")
struct EchoTests {
    @Test(
        "what was sent comes back, whatever its size",
        arguments: [1, 100, 65_535, 65_536, 65_537, 1_000_003]
    )
    func sizes(_ size: Int) async throws {
        try await withLoops { loops in
            let listener = try Listener(loopback)
            listener.start(on: loops, serve: echo)
            let connection = try await Connection.connect(to: listener.local, within: .seconds(5))
            let sent = pattern(size)
            loops.all[0].start { [peer = connection.peer] in _ = peer }
            try await connection.send(sent, within: .seconds(10))
            try await connection.finishSending(within: .seconds(1))
            let received = try await connection.receiveAll()
            #expect(received == sent)
            listener.stop()
        }
    }
}
