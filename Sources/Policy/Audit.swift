import Mail

/// Something about the configuration that an administrator should know before others find it.
package struct AuditFinding: Hashable, Sendable {
    package enum Severity: String, Hashable, Sendable {
        /// The configuration is not loaded.
        case refused
        case warning
    }

    package let severity: Severity
    /// A stable word for programs.
    package let code: String
    /// The connector or application it is about.
    package let subject: String
    package let text: String

    package init(_ severity: Severity, _ code: String, of subject: String, _ text: String) {
        self.severity = severity
        self.code = code
        self.subject = subject
        self.text = text
    }
}

extension Rulebook {
    /// What is unsafe about relaying, by the connectors alone.
    package var audit: [AuditFinding] {
        receiveConnectors.filter(\.isEnabled).flatMap { connector in
            openRelay(connector) + weakTLS(connector) + plaintext(connector) + spoofing(connector)
        }
    }

    private func openRelay(_ connector: ReceiveConnector) -> [AuditFinding] {
        guard connector.permissionGroups.contains(.anonymous),
            connector.rights.contains(.acceptAnyRecipient)
        else { return [] }
        let reach = Reach(of: ranges(of: connector))
        if let excess = reach.excess {
            guard !connector.allowsOpenRelay else {
                return [
                    AuditFinding(
                        .warning,
                        "open_relay_allowed",
                        of: connector.name,
                        "is an open relay by allowOpenRelay: \(excess)"
                    )
                ]
            }
            return [
                AuditFinding(
                    .refused,
                    "open_relay",
                    of: connector.name,
                    "lets the anonymous write to any recipient from too many addresses: \(excess);"
                        + " narrow remoteIPRanges, or take acceptAnyRecipient away"
                        + " (allowOpenRelay: true overrides this)"
                )
            ]
        }
        guard reach.isWide else { return [] }
        return [
            AuditFinding(
                .warning,
                "wide_relay_range",
                of: connector.name,
                "relays for the anonymous from a range wider than /24; list the devices one by one"
            )
        ]
    }

    /// Who reaches the connector. A balancer may claim to come for anyone, so whoever can be one does.
    private func ranges(of connector: ReceiveConnector) -> [AddressRange] {
        let balancers = balancers(at: connector.bindings)
        guard !balancers.isEmpty else { return connector.effectiveRanges }
        return connector.servesEveryone
            ? [.allV4, .allV6] : connector.remoteRanges + balancers
    }

    /// Who is believed to be a balancer at one of these places.
    private func balancers(at places: [Binding]) -> [AddressRange] {
        receiveConnectors.filter { other in
            other.isEnabled
                && other.bindings.contains { one in
                    places.contains {
                        $0.port == one.port && $0.family == one.family
                            && ($0.address == one.address || $0.address == nil
                                || one.address == nil)
                    }
                }
        }.flatMap(\.proxies)
    }

    private func weakTLS(_ connector: ReceiveConnector) -> [AuditFinding] {
        guard connector.tls.mode != .none, connector.tls.minimumVersion < .v12 else { return [] }
        let version = connector.tls.minimumVersion.rawValue
        guard connector.isOpenToAll else {
            return [
                AuditFinding(
                    .warning,
                    "old_tls",
                    of: connector.name,
                    "accepts TLS \(version); keep it to devices that know no better"
                )
            ]
        }
        return [
            AuditFinding(
                .refused,
                "old_tls_unrestricted",
                of: connector.name,
                "accepts TLS \(version) from every address; set remoteIPRanges to the old devices,"
                    + " or minimumVersion to \"1.2\""
            )
        ]
    }

    private func plaintext(_ connector: ReceiveConnector) -> [AuditFinding] {
        let isExposed = connector.bindings.contains { !$0.isLoopback }
        let takesPasswords =
            connector.door == .http
            ? connector.tls.mode == .none
            : connector.allowsPlaintextAuthentication && !connector.authentication.isEmpty
        guard isExposed, takesPasswords, connector.permissionGroups.contains(.applications) else {
            return []
        }
        return [
            AuditFinding(
                .warning,
                "plaintext_authentication",
                of: connector.name,
                "takes keys and passwords in the clear on an address other than loopback"
            )
        ]
    }

    private func spoofing(_ connector: ReceiveConnector) -> [AuditFinding] {
        guard connector.permissionGroups.contains(.anonymous), connector.isOpenToAll,
            connector.rights.contains(.acceptAuthoritativeDomainSender), !acceptedDomains.isEmpty
        else { return [] }
        return [
            AuditFinding(
                .warning,
                "spoofable_domains",
                of: connector.name,
                "lets anyone write as an address of an accepted domain;"
                    + " withoutRights: [\"acceptAuthoritativeDomainSender\"] ends that"
            )
        ]
    }
}

extension ReceiveConnector {
    /// No ranges, or such as say the same in words: more than anybody's own network has.
    var isOpenToAll: Bool { servesEveryone || Reach(of: remoteRanges).isUnbounded }

    /// Its ranges, or those of its bindings' families where it serves everyone. A connector that
    /// listens on loopback alone is reached from loopback alone.
    var effectiveRanges: [AddressRange] {
        guard servesEveryone else { return remoteRanges }
        return bindings.map { binding in
            if binding.isLoopback, let address = binding.address {
                return AddressRange(address, through: address)
            }
            return binding.family == .v4 ? .allV4 : .allV6
        }
    }
}

/// How many addresses of each kind a list of ranges reaches, each counted once.
private struct Reach {
    var isPrivateExcessive = false
    var isPublicExcessive = false
    var isV6Excessive = false
    var isWide = false
    /// More public addresses than an IPv4 /8, or an IPv6 /16, has.
    var isUnbounded = false

    /// What is too much, in words; nil when nothing is.
    var excess: String? {
        let parts = [
            isPrivateExcessive ? "more than 65,536 private IPv4 addresses" : nil,
            isPublicExcessive ? "more than 256 public IPv4 addresses" : nil,
            isV6Excessive ? "more than a /48 of IPv6" : nil,
        ].compactMap { $0 }
        return parts.isEmpty ? nil : parts.joined(separator: ", ")
    }

    init(of ranges: [AddressRange]) {
        var privateV4: UInt128 = 0
        var publicV4: UInt128 = 0
        var v6: UInt128 = 0
        for range in Self.merged(ranges) {
            let loopback = Self.overlap(of: range, with: Self.loopback)
            if range.family == .v6 {
                // Saturating: all of IPv6 has one address more than a UInt128 holds.
                let size = range.span == .max ? UInt128.max : range.span + 1
                v6 =
                    v6.addingReportingOverflow(size - loopback).overflow
                    ? .max : v6 + size - loopback
            } else {
                let inside = Self.overlap(of: range, with: Self.privateV4)
                privateV4 += inside
                publicV4 += range.span + 1 - inside - loopback
            }
        }
        isPrivateExcessive = privateV4 > 65_536
        isPublicExcessive = publicV4 > 256
        isV6Excessive = v6 > 1 << 80
        isWide = privateV4 + publicV4 > 256 || v6 > 1 << 64
        isUnbounded = publicV4 > 1 << 24 || v6 > 1 << 112
    }

    /// RFC 1918 and RFC 6598.
    private static let privateV4 = [
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10",
    ]
    .compactMap { AddressRange($0) }
    private static let loopback = ["127.0.0.0/8", "::1"].compactMap { AddressRange($0) }

    private static func overlap(of range: AddressRange, with others: [AddressRange]) -> UInt128 {
        others.filter { $0.overlaps(range) }.reduce(0) { sum, other in
            sum + min(range.upper.value, other.upper.value)
                - max(range.lower.value, other.lower.value) + 1
        }
    }

    private static func merged(_ ranges: [AddressRange]) -> [AddressRange] {
        let ordered = ranges.sorted {
            ($0.family == .v6 ? 1 : 0, $0.lower.value) < ($1.family == .v6 ? 1 : 0, $1.lower.value)
        }
        return ordered.reduce(into: []) { merged, range in
            if let last = merged.last, last.overlaps(range) {
                let upper = last.upper.value > range.upper.value ? last.upper : range.upper
                merged[merged.count - 1] = AddressRange(last.lower, through: upper)
            } else {
                merged.append(range)
            }
        }
    }
}
