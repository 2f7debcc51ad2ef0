package import Net
import Synchronization

/// The name servers of a route that does not ask those of the system.
package struct NameServers: Hashable, Sendable {
    package let servers: [SocketAddress]
    /// They check DNSSEC, and the way to them is safe: DANE may rest on what they say.
    package let isValidating: Bool

    package init(servers: [SocketAddress], isValidating: Bool) {
        self.servers = servers
        self.isValidating = isValidating
    }

    /// `192.0.2.53`, `192.0.2.53:5353`, `2001:db8::53`, `[2001:db8::53]:5353`; nil for anything else.
    package static func server(_ text: String) -> SocketAddress? {
        if let plain = SocketAddress(ip: text, port: 53) { return plain }
        guard let place = HostPort(text), text.utf8.last != UInt8(ascii: "]") else { return nil }
        return SocketAddress(ip: place.host, port: place.port)
    }
}

/// The resolvers in use, so that routes which ask the same servers share what these have said.
final class ResolverShelf: Sendable {
    private let resolvers = Mutex<[NameServers: Resolver]>([:])

    func resolver(for names: NameServers) -> Resolver {
        resolvers.withLock { resolvers in
            if let known = resolvers[names] { return known }
            let made = Resolver(servers: names.servers, isValidating: names.isValidating)
            resolvers[names] = made
            return made
        }
    }
}
