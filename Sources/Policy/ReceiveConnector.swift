package import Mail

/// A door: where it listens, whom it serves and what they may do. Exchange's receive connector.
package struct ReceiveConnector: Hashable, Sendable {
    package enum Door: String, Hashable, Sendable, CaseIterable { case smtp, http }
    package enum PermissionGroup: String, Hashable, Sendable, CaseIterable {
        case anonymous, applications
    }

    package var name: String
    package var door: Door
    package var bindings: [Binding]
    /// Empty means every address.
    package var remoteRanges: [AddressRange] = []
    package var isEnabled = true
    package var tls = TLSPolicy()
    package var authentication: [AuthenticationMechanism] = []
    package var allowsPlaintextAuthentication = false
    package var permissionGroups: Set<PermissionGroup> = []
    /// What the anonymous may do here, their group's rights included.
    package var rights: Rights = .anonymousGroup
    package var allowsOpenRelay = false
    package var limits = ReceiveLimits()
    package var banner: String?
    /// The lane of its mail; nil: as each mail asks.
    package var lane: Lane?
    /// Whom its mail comes from once it is taken.
    package var rewrite: SenderRewrite?
    package var fqdn: String?
    package var suppressedKeywords: Set<String> = []
    package var allowsMailWithoutHello = false
    /// Balancers, which say for whom they come.
    package var proxies: [AddressRange] = []
    package var keepsProtocolLog = false

    package init(name: String, door: Door, bindings: [Binding]) {
        self.name = name
        self.door = door
        self.bindings = bindings
    }

    package var servesEveryone: Bool { remoteRanges.isEmpty }

    /// AUTH is offered: inside TLS, or where a password may go in the clear and TLS need not come first.
    package func offersLogon(isSecure: Bool) -> Bool {
        let isAllowed = isSecure || allowsPlaintextAuthentication && tls.mode != .required
        return isAllowed && !authentication.isEmpty && !suppressedKeywords.contains("AUTH")
    }

    /// Whether it serves there at all. A nil address is the wildcard of its family.
    func isBound(to address: IPAddress?, _ port: Int, _ family: IPAddress.Family) -> Bool {
        isEnabled
            && bindings.contains {
                $0.port == port && $0.address == address && $0.family == family
            }
    }

    /// The smallest range that holds the peer, by its number of addresses; nil where none does.
    func tightness(for peer: IPAddress) -> UInt128? {
        if servesEveryone { return .max }
        return remoteRanges.lazy.filter { $0.contains(peer) }.map(\.span).min()
    }
}

package enum AuthenticationMechanism: String, Hashable, Sendable, CaseIterable {
    case plain, login
    case cramMD5 = "cram-md5"
}

/// How a receive connector uses TLS.
package struct TLSPolicy: Hashable, Sendable {
    package enum Mode: String, Hashable, Sendable, CaseIterable {
        case none, offered, required, implicit
    }

    package enum Version: String, Hashable, Sendable, CaseIterable, Comparable {
        case v10 = "1.0"
        case v11 = "1.1"
        case v12 = "1.2"
        case v13 = "1.3"

        package static func < (left: Version, right: Version) -> Bool {
            left.rawValue < right.rawValue
        }
    }

    package var mode: Mode = .none
    package var certificate: String?
    package var minimumVersion: Version = .v12
    package var clientCAFile: String?

    package init() {}
}

/// A local address and port. A nil address is the wildcard of its family.
package struct Binding: Hashable, Sendable {
    package let family: IPAddress.Family
    package let address: IPAddress?
    package let port: Int

    package init(family: IPAddress.Family, address: IPAddress?, port: Int) {
        self.family = family
        self.address = address
        self.port = port
    }

    package var isLoopback: Bool { address?.isLoopback ?? false }
}

extension Binding: CustomStringConvertible, LosslessStringConvertible {
    /// `ip:port` or `[v6]:port`; `0.0.0.0` and `[::]` are the wildcards of their families.
    package init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"),
            let port = Digits.number(text[text.index(after: colon)...]), (0...65_535).contains(port)
        else { return nil }
        var host = text[..<colon]
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        if isBracketed { host = host.dropFirst().dropLast() }
        guard let address = IPAddress(String(host)), host.contains(":") == isBracketed else {
            return nil
        }
        self.init(
            family: address.family,
            address: address.value == 0 ? nil : address,
            port: port
        )
    }

    package var description: String {
        let host = address?.description ?? (family == .v4 ? "0.0.0.0" : "::")
        return family == .v4 ? "\(host):\(port)" : "[\(host)]:\(port)"
    }
}

/// The extended rights of the anonymous, by their Exchange names.
package struct Rights: OptionSet, Hashable, Sendable {
    package let rawValue: Int

    package init(rawValue: Int) {
        self.rawValue = rawValue
    }

    package static let acceptAnyRecipient = Rights(rawValue: 1)
    package static let acceptAnySender = Rights(rawValue: 2)
    package static let acceptAuthoritativeDomainSender = Rights(rawValue: 4)
    package static let bypassMessageSizeLimit = Rights(rawValue: 8)

    /// What Exchange's AnonymousUsers group holds.
    package static let anonymousGroup: Rights = [
        .acceptAnySender, .acceptAuthoritativeDomainSender,
    ]

    package static let names: [(name: String, right: Rights)] = [
        ("acceptAnyRecipient", .acceptAnyRecipient),
        ("acceptAnySender", .acceptAnySender),
        ("acceptAuthoritativeDomainSender", .acceptAuthoritativeDomainSender),
        ("bypassMessageSizeLimit", .bypassMessageSizeLimit),
    ]
}

/// The limits of a receive connector. Sizes are octets; nil is no limit, a zero duration is off.
package struct ReceiveLimits: Hashable, Sendable {
    package var messageSize = 36 << 20
    package var headerSize = 256 << 10
    package var recipients = 200
    package var messagesPerMinute: Int?
    package var connections: Int? = 5000
    package var connectionsPerSource: Int? = 20
    package var inactivity: Duration = .seconds(300)
    package var lifetime: Duration = .seconds(600)
    package var protocolErrors = 5
    package var logonFailures = 3
    package var tarpit: Duration = .seconds(5)
    package var hops = 30

    package init() {}

    /// How long to wait for a client that has so much time left.
    package func patience(within rest: Duration) -> Duration {
        inactivity == .zero ? rest : min(inactivity, rest)
    }

    /// HTTP clients keep connections; they are not counted a source, and idle ones close sooner.
    package static var http: ReceiveLimits {
        var limits = ReceiveLimits()
        limits.connectionsPerSource = nil
        limits.inactivity = .seconds(75)
        limits.lifetime = .zero
        return limits
    }
}
