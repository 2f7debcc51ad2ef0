import CLinux
import Glibc
import Testing

@testable import Net

extension NetTests {
    @Suite("A unix socket is for those who may")
    struct UnixSocketTests {
        @Test("it carries its mode and names the peer")
        func credentials() async throws {
            try await withLoops { loops in
                let path = "\(TestFiles.folder)/control.sock"
                let listener = try Listener(.unix(path: path), mode: 0o600)
                listener.start(on: loops) { connection in
                    guard let peer = connection.peerCredentials else { return }
                    try? await connection.send("\(peer.pid) \(peer.uid) \(peer.gid)")
                }
                var found = stat()
                #expect(lstat(path, &found) == 0 && found.st_mode & 0o777 == 0o600)
                let connection = try await Connection.connect(
                    to: listener.local,
                    within: .seconds(5)
                )
                #expect(try await connection.receiveText() == "\(getpid()) \(getuid()) \(getgid())")
                #expect(connection.peer.path == path && connection.peer.ip == nil)
                listener.stop()
                #expect(lstat(path, &found) != 0)
            }
        }

        @Test("a dead process's socket is replaced, a living one's is not")
        func stale() async throws {
            let path = "\(TestFiles.folder)/stale.sock"
            let address = SocketAddress.unix(path: path)
            do {
                let dead = Descriptor(owning: linux_stream_socket(AF_UNIX))
                let number = dead.number
                _ = address.withKernelForm { storage, length in
                    storage.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                        bind(number, $0, length)
                    }
                }
            }
            let listener = try Listener(address)
            defer { listener.stop() }
            let refusal = StreamError.system(operation: "bind \(path)", errno: EADDRINUSE)
            #expect(throws: refusal) { try Listener(address) }
        }

        @Test("a file that is no socket is left alone, and a path too long is an error")
        func impossible() throws {
            let path = TestFiles.write("precious", "file")
            #expect(throws: StreamError.self) { try Listener(.unix(path: path)) }
            #expect(access(path, F_OK) == 0)
            let long = "/tmp/" + String(repeating: "x", count: 120)
            let refusal = StreamError.system(operation: "bind \(long)", errno: ENAMETOOLONG)
            #expect(throws: refusal) { try Listener(.unix(path: long)) }
        }
    }
}
