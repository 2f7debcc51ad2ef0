import Glibc
import Testing

@testable import Net

/// Whether the command-line tool is here to talk to.
private let hasOpenSSL = shell("openssl version")?.hasPrefix("OpenSSL") == true

/// What the command wrote; it blocks.
private func shell(_ command: String) -> String? {
    guard let pipe = popen("\(command) 2>&1", "r") else { return nil }
    defer { pclose(pipe) }
    var text: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
        let count = fread(&buffer, 1, buffer.count, pipe)
        guard count > 0 else { return String(decoding: text, as: UTF8.self) }
        text += buffer[..<count]
    }
}

extension NetTests {
    @Suite("Another implementation's command line agrees", .enabled(if: hasOpenSSL))
    struct OpenSSLPeerTests {
        static let clients: [(String, TLSVersion, String)] = [
            ("-tls1_3", .v12, "TLSv1.3 "), ("-tls1_2", .v12, "TLSv1.2 "),
            ("-tls1_2", .v13, "alert protocol version"),
            ("-tls1_1 -cipher DEFAULT@SECLEVEL=0", .v12, "alert protocol version"),
            ("-tls1_1 -cipher DEFAULT@SECLEVEL=0", .v10, "TLSv1.1 "),
            ("-tls1 -cipher DEFAULT@SECLEVEL=0", .v10, "TLSv1 "),
            ("-tls1 -cipher DEFAULT@SECLEVEL=0", .v11, "alert protocol version"),
            ("-tls1_2 -cipher ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0", .v10, "TLSv1.2 "),
        ]
        @Test("s_client speaks the versions that are allowed, and no other", arguments: clients)
        func client(_ options: String, _ minimum: TLSVersion, _ expected: String) async throws {
            try await withLoops { loops in
                let context = try TLSServerContext(
                    certificateFile: TestFiles.leaf,
                    keyFile: TestFiles.leafKey,
                    minimumVersion: minimum
                )
                let listener = try Listener(loopback)
                defer { listener.stop() }
                listener.start(on: loops) { connection in
                    do throws(StreamError) {
                        try await connection.startTLS(context, within: .seconds(5))
                        try await connection.send("\(connection.tls?.version ?? "") ")
                        try await connection.finishSending(within: .seconds(5))
                    } catch {}
                    _ = try? await connection.receiveAll()
                }
                let command = """
                    timeout 5 openssl s_client -connect \(listener.local) -quiet </dev/null \
                    -verify_return_error -CAfile \(TestFiles.authority) \(options)
                    """
                let heard = await BlockingPool.shared.run { shell(command) }
                #expect(heard?.contains(expected) == true, "\(heard ?? "")")
            }
        }

        @Test("s_server understands what we send", arguments: ["-tls1_2", "-tls1_3"])
        func server(_ options: String) async throws {
            try await withLoops { loops in
                let free = try Listener(loopback)
                let address = free.local
                free.stop()
                let command = """
                    timeout 10 openssl s_server -accept \(address.port) -naccept 1 -rev \(options) \
                    -cert \(TestFiles.leaf) -key \(TestFiles.leafKey)
                    """
                let isOver = Shared(false)
                loops.all[1].start {
                    _ = await BlockingPool.shared.run { shell(command) }
                    isOver.change { $0 = true }
                }
                let connection = try await connectSoon(to: address)
                let context = try TLSClientContext(verification: .caFile(TestFiles.authority))
                let name = "mail.example.test"
                try await connection.startTLS(context, serverName: name, within: .seconds(5))
                try await connection.send("stressed desserts, live\n")
                let heard = try await connection.receive(exactly: 24)
                #expect(String(decoding: heard, as: UTF8.self) == "evil ,stressed desserts\n")
                try await connection.finishSending(within: .seconds(1))
                _ = try? await connection.receiveAll()
                connection.close()
                #expect(await eventually { isOver.value })
            }
        }
    }
}

private func connectSoon(to address: SocketAddress) async throws -> Connection {
    for _ in 0..<100 {
        if let connection = try? await Connection.connect(to: address, within: .seconds(1)) {
            return connection
        }
        await EventLoop.current?.sleep(for: .milliseconds(30))
    }
    throw StreamError.timedOut
}
