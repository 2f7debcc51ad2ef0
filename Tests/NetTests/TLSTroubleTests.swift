import COpenSSL
import Glibc
import Testing

@testable import Net

extension NetTests {
    @Suite("A handshake that fails says why")
    struct TLSTroubleTests {
        static let garbage = [
            "GET / HTTP/1.1\r\n\r\n", "EHLO x\r\n", "\u{16}\u{3}\u{1}\u{0}\u{5}hello",
            "\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}",
        ]
        @Test("garbage instead of a handshake", arguments: garbage)
        func nonsense(_ words: String) async throws {
            try await withLoops { loops in
                let (server, listener) = try TLSServer.run(on: loops)
                defer { listener.stop() }
                let connection = try await Connection.connect(
                    to: server.address,
                    within: .seconds(5)
                )
                _ = try await connection.receiveText()
                try await connection.send(words)
                _ = try? await connection.receiveAll()
                #expect(
                    await eventually { server.outcomes.value.first?.hasPrefix("TLS: ") == true }
                )
            }
        }

        @Test("random octets at any place of a handshake do no more than end it", arguments: 1...15)
        func corruption(_ seed: UInt64) async throws {
            try await withLoops { loops in
                let (server, listener) = try TLSServer.run(on: loops)
                defer { listener.stop() }
                let random = Shared(SeededGenerator(state: seed))
                let liar = try Listener(loopback)
                defer { liar.stop() }
                liar.start(on: loops) { client in
                    guard
                        let real = try? await Connection.connect(
                            to: server.address,
                            within: .seconds(5)
                        )
                    else { return }
                    guard let word = try? await real.receiveText() else { return }
                    try? await client.send(word)
                    guard
                        var hello = try? await client.receive(
                            within: .seconds(5),
                            { [UInt8](copying: $0) }
                        )
                    else { return }
                    random.change { generator in
                        for _ in 0..<3 {
                            _ = generator.next()
                        }
                    }
                    let noise = random.value.state
                    for round in 0..<4 {
                        let place = Int((noise >> (UInt64(round) * 9)) % UInt64(hello.count))
                        hello[place] ^= UInt8(truncatingIfNeeded: noise >> 40) | 1
                    }
                    try? await real.send(hello, within: .seconds(5))
                    try? await real.finishSending(within: .seconds(5))
                    while let answer = try? await real.receive(
                        within: .seconds(5),
                        { [UInt8](copying: $0) }
                    ) {
                        try? await client.send(answer, within: .seconds(5))
                    }
                }
                let through = TLSServer(address: liar.local, outcomes: .init([]), facts: .init([]))
                let context = try TLSClientContext(verification: .none)
                let (error, _) = await failure { _ = try await through.connect(context) }
                #expect(error != nil)
                #expect(await eventually { server.outcomes.value.count == 1 })
                #expect(server.outcomes.value.first != "good")
            }
        }

        @Test("a peer that falls silent is given up in time")
        func silence() async throws {
            try await withLoops { loops in
                let listener = try Listener(loopback)
                defer { listener.stop() }
                listener.start(on: loops, serve: ignore)
                let connection = try await Connection.connect(
                    to: listener.local,
                    within: .seconds(5)
                )
                let context = try TLSClientContext(verification: .none)
                let (error, after) = await failure {
                    try await connection.startTLS(
                        context,
                        serverName: "x",
                        within: .milliseconds(100)
                    )
                }
                #expect(error == .timedOut)
                #expect(after >= .milliseconds(100) && after < .seconds(2))
            }
        }

        @Test("a peer that drips octets is given up in time as well")
        func dripping() async throws {
            try await withLoops { loops in
                let (server, listener) = try TLSServer.run(on: loops)
                defer { listener.stop() }
                let slow = try Listener(loopback)
                defer { slow.stop() }
                slow.start(on: loops) { connection in
                    while (try? await connection.send([0x16], within: .seconds(1))) != nil {
                        await EventLoop.current?.sleep(for: .milliseconds(20))
                    }
                }
                let connection = try await Connection.connect(to: slow.local, within: .seconds(5))
                let context = try TLSServerContext(
                    certificatePEM: TestPEM.leaf,
                    keyPEM: TestPEM.leafKey
                )
                let (error, after) = await failure {
                    try await connection.startTLS(context, within: .milliseconds(90))
                }
                #expect(error == .timedOut || error == .tls("wrong version number"))
                #expect(after < .seconds(2))
                _ = server
            }
        }

        @Test("a peer that makes us answer and never reads cannot fill our memory")
        func keyUpdates() async throws {
            try await withLoops { loops in
                let ends = Shared<[StreamError]>([])
                let most = Shared(0)
                let (server, listener) = try TLSServer.run(on: loops) { connection in
                    var size: Int32 = 4096
                    let option = socklen_t(MemoryLayout<Int32>.size)
                    setsockopt(connection.watch.number, SOL_SOCKET, SO_SNDBUF, &size, option)
                    let (error, _) = await failure {
                        while try await connection.receive(within: .seconds(5), { _ in }) != nil {
                            let pending = connection.session?.pending.count ?? 0
                            most.change { $0 = max($0, pending) }
                        }
                    }
                    if let error { ends.change { $0.append(error) } }
                }
                defer { listener.stop() }
                let client = try await server.connect(TLSClientContext(verification: .none))
                let ssl = try #require(client.session?.ssl)
                for _ in 0..<100_000 where ends.value.isEmpty {
                    SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED)
                    guard (try? await client.send([0], within: .seconds(5))) != nil else { break }
                }
                #expect(await eventually { !ends.value.isEmpty })
                #expect(ends.value == [.tls("the peer does not read")])
                #expect(most.value <= 128 * 1_024)
            }
        }

        @Test("an end without farewell is not an orderly end")
        func truncation() async throws {
            try await withLoops { loops in
                let (server, listener) = try TLSServer.run(on: loops) { connection in
                    try? await connection.send("half a mess")
                    shutdown(connection.watch.number, Int32(SHUT_WR))
                    await ignore(connection)
                }
                defer { listener.stop() }
                let context = try TLSClientContext(verification: .caFile(TestFiles.authority))
                let connection = try await server.connect(context)
                #expect(try await connection.receiveText() == "half a mess")
                let (error, _) = await failure { _ = try await connection.receiveText() }
                #expect(error == .reset)
            }
        }

        @Test("a refused certificate is heard on both sides")
        func bothSides() async throws {
            try await withLoops { loops in
                let (server, listener) = try TLSServer.run(minimum: .v12, on: loops)
                defer { listener.stop() }
                let context = try TLSClientContext(verification: .caFile(TestFiles.stranger))
                let (error, _) = await failure { _ = try await server.connect(context) }
                let reason = "certificate verify failed: unable to get local issuer certificate"
                #expect(error == .tls(reason))
            }
        }

        @Test("files that cannot be used are named")
        func files() throws {
            let missing = "\(TestFiles.folder)/missing.pem"
            let empty = TestFiles.write("nothing\n", "empty.pem")
            let cases: [(String, String, String)] = [
                (missing, TestFiles.leafKey, missing), (TestFiles.leaf, missing, missing),
                (empty, TestFiles.leafKey, empty), (TestFiles.leaf, empty, empty),
                (TestFiles.leaf, TestFiles.clientKey, TestFiles.clientKey),
            ]
            for (certificate, key, named) in cases {
                let error = #expect(throws: StreamError.self) {
                    try TLSServerContext(certificateFile: certificate, keyFile: key)
                }
                #expect(error?.description.hasPrefix("TLS: \(named) ") == true)
            }
            #expect(throws: StreamError.self) {
                try TLSClientContext(verification: .caFile(missing))
            }
            let good = try TLSServerContext(
                certificateFile: TestFiles.leaf,
                keyFile: TestFiles.leafKey
            )
            #expect(good.certificateExpiry > 4_000_000_000)
            let old = try TLSServerContext(
                certificateFile: TestFiles.expired,
                keyFile: TestFiles.leafKey
            )
            #expect(old.certificateExpiry == 1_609_459_200)
        }
    }
}
