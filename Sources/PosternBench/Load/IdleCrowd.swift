import Glibc
import Net

/// Clients that have said EHLO and nothing since.
struct IdleCrowd: ~Copyable {
    private var sockets: [Int32] = []

    /// On loopback, one after the other.
    init(of count: Int, at address: SocketAddress) throws(Invalid) {
        for _ in 0..<count { sockets.append(try Self.greeted(by: address)) }
    }

    deinit { for socket in sockets { close(socket) } }

    private static func greeted(by address: SocketAddress) throws(Invalid) -> Int32 {
        let client = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var place = sockaddr_in()
        place.sin_family = sa_family_t(AF_INET)
        place.sin_port = in_port_t(address.port).bigEndian
        place.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let connected = withUnsafePointer(to: &place) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(client, $0, size) }
        }
        let hello = Array("EHLO idle.bench.example\r\n".utf8)
        var answer = [UInt8](repeating: 0, count: 4096)
        guard connected == 0, read(client, &answer, answer.count) > 0,
            write(client, hello, hello.count) == hello.count,
            read(client, &answer, answer.count) > 3, answer[0] == UInt8(ascii: "2")
        else {
            close(client)
            throw Invalid("an idle client was not served")
        }
        return client
    }
}
