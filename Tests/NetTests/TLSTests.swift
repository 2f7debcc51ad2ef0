import Glibc
import Testing

@testable import Net

extension TestFiles {
    static let authority = write(TestPEM.authority, "authority.pem")
    static let stranger = write(TestPEM.stranger, "stranger.pem")
    static let leaf = write(TestPEM.leaf, "leaf.pem")
    static let leafKey = write(TestPEM.leafKey, "leaf.key")
    static let client = write(TestPEM.client, "client.pem")
    static let clientKey = write(TestPEM.clientKey, "client.key")
    static let selfSigned = write(TestPEM.selfSigned, "self-signed.pem")
    static let expired = write(TestPEM.expired, "expired.pem")
}

/// A listener that says a plain word, then answers a handshake; what became of handshakes is noted.
struct TLSServer {
    let address: SocketAddress
    let outcomes: Shared<[String]>
    let facts: Shared<[TLSFacts]>

    static func run(
        certificate: String = TestPEM.leaf,
        minimum: TLSVersion = .v12,
        clientCAFile: String? = nil,
        on loops: EventLoops,
        serve: @escaping @Sendable (sending Connection) async -> Void = returnAll
    ) throws -> (server: TLSServer, listener: Listener) {
        let context = try TLSServerContext(
            certificatePEM: certificate,
            keyPEM: TestPEM.leafKey,
            minimumVersion: minimum,
            clientCAFile: clientCAFile
        )
        let listener = try Listener(loopback)
        let server = TLSServer(address: listener.local, outcomes: Shared([]), facts: Shared([]))
        listener.start(on: loops) { connection in
            let (error, _) = await failure {
                try await connection.send("go ahead")
                try await connection.startTLS(context, within: .seconds(5))
            }
            server.outcomes.change { $0.append(error?.description ?? "good") }
            guard error == nil, let facts = connection.tls else { return }
            server.facts.change { $0.append(facts) }
            await serve(connection)
        }
        return (server, listener)
    }

    /// Connects, hears the plain word and shakes hands.
    func connect(
        _ context: TLSClientContext,
        name: String? = "mail.example.test"
    ) async throws -> Connection {
        let connection = try await Connection.connect(to: address, within: .seconds(5))
        #expect(try await connection.receive(exactly: 8) == Array("go ahead".utf8))
        try await connection.startTLS(context, serverName: name, within: .seconds(5))
        return connection
    }
}

extension NetTests {
    @Suite("TLS changes what is on the wire and nothing else")
    struct TLSTests {
        @Test(
            "what was sent comes back, whatever its size",
            arguments: [0, 1, 16_384, 16_385, 5_000_001]
        )
        func sizes(_ size: Int) async throws {
            try await withLoops { loops in
                let (server, listener) = try TLSServer.run(on: loops)
                defer { listener.stop() }
                let context = try TLSClientContext(verification: .caFile(TestFiles.authority))
                let connection = try await server.connect(context)
                let sent = pattern(size)
                try await connection.send(sent, within: .seconds(10))
                try await connection.finishSending(within: .seconds(1))
                #expect(try await connection.receiveAll() == sent)
                #expect(connection.tls?.version == "TLSv1.3")
                #expect(connection.tls?.serverName == "mail.example.test")
                #expect(server.facts.value.first?.serverName == "mail.example.test")
                #expect(connection.tls?.cipher.hasPrefix("TLS_") == true)
                #expect(connection.tls?.peerFingerprint?.utf8.count == 64)
            }
        }

        @Test("it reads the same however the network cuts it", arguments: [1, 2, 7, 100, 1_400])
        func cuts(_ size: Int) async throws {
            try await withLoops { loops in
                let (server, listener) = try TLSServer.run(on: loops)
                let cutter = try Cutter(to: server.address, pieces: size, on: loops)
                defer { listener.stop() }
                defer { cutter.stop() }
                let context = try TLSClientContext(verification: .caFile(TestFiles.authority))
                let through = TLSServer(
                    address: cutter.address,
                    outcomes: .init([]),
                    facts: .init([])
                )
                let connection = try await through.connect(context)
                let sent = pattern(size < 10 ? 3_000 : 200_000)
                try await connection.send(sent, within: .seconds(10))
                try await connection.finishSending(within: .seconds(1))
                #expect(try await connection.receiveAll() == sent)
            }
        }

        static let verifications: [(String, String?, String, String?)] = [
            ("leaf", "mail.example.test", "authority", nil),
            ("leaf", "MAIL.example.test.", "authority", nil),
            ("leaf", "a.wild.example.test", "authority", nil),
            ("leaf", "127.0.0.1", "authority", nil),
            ("leaf", "a.b.wild.example.test", "authority", "hostname mismatch"),
            ("leaf", "other.example.test", "authority", "hostname mismatch"),
            ("leaf", "127.0.0.2", "authority", "IP address mismatch"),
            ("leaf", "mail.example.test", "stranger", "unable to get local issuer certificate"),
            ("leaf", "mail.example.test", "system", "unable to get local issuer certificate"),
            ("selfSigned", "mail.example.test", "authority", "self-signed certificate"),
            ("expired", "mail.example.test", "authority", "certificate has expired"),
            ("leaf", nil, "authority", "no name to verify the certificate against"),
            ("selfSigned", "other.example.test", "nobody", nil),
            ("expired", nil, "nobody", nil),
        ]
        @Test(
            "a certificate is believed only for its name and its issuer",
            arguments: verifications
        )
        func verification(
            _ certificate: String,
            _ name: String?,
            _ trusted: String,
            _ refusal: String?
        ) async throws {
            try await withLoops { loops in
                let pem = ["selfSigned": TestPEM.selfSigned, "expired": TestPEM.expired]
                let (server, listener) = try TLSServer.run(
                    certificate: pem[certificate] ?? TestPEM.leaf,
                    on: loops
                )
                defer { listener.stop() }
                let verification: TLSClientContext.Verification =
                    switch trusted {
                    case "authority": .caFile(TestFiles.authority)
                    case "stranger": .caFile(TestFiles.stranger)
                    case "system": .system
                    default: .none
                    }
                let context = try TLSClientContext(verification: verification)
                let (error, _) = await failure {
                    let connection = try await server.connect(context, name: name)
                    try await connection.finishSending(within: .seconds(1))
                    #expect(connection.tls?.peerFingerprint == nil || trusted == "authority")
                }
                guard let refusal else { return #expect(error == nil) }
                guard case .tls(let text) = error else {
                    Issue.record("\(String(describing: error))")
                    return
                }
                #expect(text.hasSuffix(refusal))
            }
        }

        static let versions: [(TLSVersion, TLSVersion, String?)] = [
            (.v12, .v13, "TLSv1.3"), (.v13, .v12, "TLSv1.3"), (.v10, .v10, "TLSv1.3"),
        ]
        @Test("the newest version that both speak is spoken", arguments: versions)
        func negotiation(_ ours: TLSVersion, _ theirs: TLSVersion, _ expected: String?) async throws
        {
            try await withLoops { loops in
                let (server, listener) = try TLSServer.run(minimum: ours, on: loops)
                defer { listener.stop() }
                let context = try TLSClientContext(verification: .none, minimumVersion: theirs)
                #expect(try await server.connect(context).tls?.version == expected)
            }
        }

        @Test("a second connection resumes the first one's session")
        func resumption() async throws {
            try await withLoops { loops in
                let (server, listener) = try TLSServer.run(on: loops)
                defer { listener.stop() }
                let context = try TLSClientContext(verification: .caFile(TestFiles.authority))
                var resumed: [Bool] = []
                for _ in 0..<3 {
                    let connection = try await server.connect(context)
                    try await connection.send("x")
                    try await connection.finishSending(within: .seconds(1))
                    #expect(try await connection.receiveAll() == Array("x".utf8))
                    resumed.append(connection.tls?.wasResumed ?? false)
                }
                #expect(resumed == [false, true, true])
                #expect(server.facts.value.map(\.wasResumed) == [false, true, true])
                let other = try await server.connect(context, name: "a.wild.example.test")
                #expect(other.tls?.wasResumed == false)
            }
        }

        @Test("a verified client is known by its fingerprint, any other is nobody and yet served")
        func clientCertificates() async throws {
            let fingerprint = "63786afb2910657ada560c3ffbb50c24439fc1483ad1b34b55a7bcd149cbdd7d"
            let cases = [
                (TestFiles.client, TestFiles.clientKey, fingerprint),
                (TestFiles.selfSigned, TestFiles.leafKey, nil),
                (TestFiles.expired, TestFiles.leafKey, nil),
                (nil, nil, nil),
            ]
            for (certificate, key, expected) in cases {
                try await withLoops { loops in
                    let (server, listener) = try TLSServer.run(
                        clientCAFile: TestFiles.authority,
                        on: loops
                    )
                    defer { listener.stop() }
                    let context = try TLSClientContext(
                        verification: .caFile(TestFiles.authority),
                        certificateFile: certificate,
                        keyFile: key
                    )
                    // The second time the session is resumed, and who it was is still known.
                    for _ in 0..<2 {
                        let connection = try await server.connect(context)
                        try await connection.send("hello")
                        try await connection.finishSending(within: .seconds(1))
                        #expect(try await connection.receiveAll() == Array("hello".utf8))
                    }
                    #expect(server.facts.value.map(\.peerFingerprint) == [expected, expected])
                    #expect(server.facts.value.map(\.wasResumed) == [false, true])
                }
            }
        }
    }
}

/// Stands between client and server and passes octets on in small pieces.
struct Cutter {
    private let listener: Listener
    var address: SocketAddress { listener.local }

    init(to server: SocketAddress, pieces size: Int, on loops: EventLoops) throws {
        listener = try Listener(loopback)
        let size = max(1, size)
        listener.start(on: loops) { client in
            guard let server = try? await Connection.connect(to: server, within: .seconds(5)) else {
                return
            }
            // The protocol of these tests takes turns, so one task can carry both directions.
            let isOver = Shared(false)
            while !isOver.value {
                for (source, target) in [(server, client), (client, server)] {
                    guard (try? await carry(from: source, to: target, size)) == true else {
                        isOver.change { $0 = true }
                        continue
                    }
                }
            }
            try? await carryRest(from: server, to: client)
        }
    }

    func stop() { listener.stop() }
}

/// What is there within a moment; false at the end.
private func carry(
    from source: Connection,
    to target: Connection,
    _ size: Int
) async throws(StreamError) -> Bool {
    do throws(StreamError) {
        guard
            let octets = try await source.receive(
                within: .milliseconds(2),
                { [UInt8](copying: $0) }
            )
        else {
            try await target.finishSending(within: .seconds(5))
            return false
        }
        for start in stride(from: 0, to: octets.count, by: size) {
            let piece = octets[start..<min(octets.count, start + size)]
            try await target.send(Array(piece), within: .seconds(5))
        }
    } catch .timedOut {}
    return true
}

private func carryRest(from source: Connection, to target: Connection) async throws(StreamError) {
    while let octets = try await source.receive(within: .seconds(5), { [UInt8](copying: $0) }) {
        try await target.send(octets, within: .seconds(5))
    }
    try await target.finishSending(within: .seconds(5))
}
