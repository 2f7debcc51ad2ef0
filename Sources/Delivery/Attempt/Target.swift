import Net

/// Where to connect, and as whom the host there is known.
struct Target: Sendable, Equatable {
    let host: HostPort
    let address: SocketAddress
    /// `mx.example [192.0.2.1]:25`, or the address alone where the host has no other name. Made
    /// once: every reply of the host is kept with it.
    let label: String

    init(host: HostPort, address: SocketAddress) {
        self.host = host
        self.address = address
        let ip = address.ip ?? ""
        label = host.host == ip ? host.description : "\(host.host) [\(ip)]:\(host.port)"
    }
}
