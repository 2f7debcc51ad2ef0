import Mail

/// Who asks for a logon: an address, or a user of this machine.
enum LogonSource: Hashable, Sendable {
    case address(IPAddress)
    case localUser(UInt32)
    /// The first address of an IPv6 /64, for all of it.
    case network(IPAddress)

    /// The /64 of an IPv6 address: one host has as many addresses of it as it likes.
    var network: LogonSource? {
        guard case .address(let address) = self, address.family == .v6 else { return nil }
        return .network(address.network)
    }

    /// Those that share one turn.
    var party: LogonSource { network ?? self }
}

extension LogonSource: CustomStringConvertible {
    var description: String {
        switch self {
        case .address(let address): address.description
        case .localUser(let uid): "uid \(uid)"
        case .network(let address): "\(address)/64"
        }
    }
}
