import Net

/// Loopback ports that nobody uses.
enum FreePorts {
    static func listener() throws(Invalid) -> Listener {
        do throws(StreamError) {
            return try Listener(try loopback(0))
        } catch {
            throw Invalid("cannot listen on loopback: \(error)")
        }
    }

    /// Free a moment ago. All are held at once, so that no two are the same.
    static func take(_ count: Int) throws(Invalid) -> [SocketAddress] {
        var listeners: [Listener] = []
        for _ in 0..<count { listeners.append(try listener()) }
        defer { for listener in listeners { listener.stop() } }
        return listeners.map(\.local)
    }

    private static func loopback(_ port: Int) throws(StreamError) -> SocketAddress {
        guard let address = SocketAddress(ip: "127.0.0.1", port: port) else { throw .closed }
        return address
    }
}
