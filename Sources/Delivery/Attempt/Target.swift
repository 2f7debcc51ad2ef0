import Net

/// Where to connect, and as whom the host there is known.
struct Target: Sendable, Equatable {
    let host: HostPort
    let address: SocketAddress

    /// `mx.example [192.0.2.1]:25`, or the address alone where the host has no other name.
    var label: String {
        host.host == address.ip
            ? host.description : "\(host.host) [\(address.ip ?? "")]:\(host.port)"
    }
}
