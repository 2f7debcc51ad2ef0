/// Where a host is reached.
package struct HostAddresses: Sendable, Equatable {
    /// As text, IPv4 before IPv6, never none.
    package let ips: [String]
    /// Where its aliases led; nil where it has none.
    package let canonicalName: String?
    /// All of it was validated by DNSSEC.
    package let isSecure: Bool

    package init(_ ips: [String], canonicalName: String? = nil, isSecure: Bool = false) {
        self.ips = ips
        self.canonicalName = canonicalName
        self.isSecure = isSecure
    }
}

/// Which hosts take a domain's mail.
package struct MailExchangers: Sendable {
    /// In the order of trying: by preference, among equals at random (RFC 5321 §5.1). None where the
    /// domain has no MX; a host of "" says that it takes no mail (RFC 7505 §3).
    package let ranked: [(preference: UInt16, host: String)]
    /// Validated by DNSSEC, an absence too.
    package let isSecure: Bool

    package init(_ ranked: [(preference: UInt16, host: String)], isSecure: Bool = false) {
        self.ranked = ranked
        self.isSecure = isSecure
    }
}

/// Which certificates a service shows (RFC 6698 §2.1).
package struct TLSARecord: Hashable, Sendable {
    package let usage: UInt8
    package let selector: UInt8
    package let matching: UInt8
    package let data: [UInt8]

    package init(usage: UInt8, selector: UInt8, matching: UInt8, data: [UInt8]) {
        self.usage = usage
        self.selector = selector
        self.matching = matching
        self.data = data
    }
}

extension Resolver {
    /// The host's addresses, those of /etc/hosts before all others. An address in digits is its own
    /// answer, in brackets too (RFC 5321 §4.1.3).
    package func addresses(
        of host: String,
        within limit: Duration = .seconds(20)
    ) async throws(ResolverError) -> HostAddresses {
        if let literal = Resolver.literal(host) { return HostAddresses([literal]) }
        if let known = localAddresses(of: host) { return HostAddresses(known) }
        let deadline = Instant.now + limit
        async let six = find(host, .address6, until: deadline)
        let four = await find(host, .address4, until: deadline)
        return try Resolver.join(four, await six)
    }

    /// Both families' findings as one. Only a whole "no" is a no.
    private static func join(
        _ four: DNSFinding,
        _ six: DNSFinding
    ) throws(ResolverError) -> HostAddresses {
        var addresses: [String] = []
        var errors: [ResolverError] = []
        // A family that somebody kept from us must not make the other one look unproven.
        var isSecure = true
        for finding in [four, six] {
            switch finding.records {
            case .success(let records):
                isSecure = isSecure && finding.isSecure
                for case .address(let ip) in records.map(\.content) where !addresses.contains(ip) {
                    addresses.append(ip)
                }
            case .failure(let error): errors.append(error)
            }
        }
        if !addresses.isEmpty {
            return HostAddresses(
                addresses,
                canonicalName: four.name ?? six.name,
                isSecure: isSecure
            )
        }
        throw errors.first(where: \.isTemporary) ?? errors.first ?? .noData
    }

    package func mailExchangers(
        of domain: String,
        within limit: Duration = .seconds(20)
    ) async throws(ResolverError) -> MailExchangers {
        let finding = await find(domain, .mailExchanger, until: .now + limit)
        if finding.records == .failure(.noData) {
            return MailExchangers([], isSecure: finding.isSecure)
        }
        let exchangers = try finding.records.get().compactMap {
            record -> (preference: UInt16, host: String)? in
            guard case .mailExchanger(let preference, let host) = record.content else { return nil }
            return (preference, host)
        }
        return MailExchangers(
            exchangers.shuffled().sorted { $0.preference < $1.preference },
            isSecure: finding.isSecure
        )
    }

    /// What the host's mail service shows in a TLS handshake. Nil where DNSSEC vouches neither for
    /// records nor for their absence.
    package func authentications(
        of host: String,
        port: Int,
        within limit: Duration = .seconds(20)
    ) async throws(ResolverError) -> [TLSARecord]? {
        let finding = await find("_\(port)._tcp.\(host)", .authentication, until: .now + limit)
        switch finding.records {
        case .failure(let error) where error.isTemporary: throw error
        case .failure: return finding.isSecure ? [] : nil
        case .success(let records):
            guard finding.isSecure else { return nil }
            return records.compactMap { record in
                if case .authentication(let found) = record.content { found } else { nil }
            }
        }
    }

    /// The TXT records of a name; none where it has none.
    package func texts(
        of name: String,
        within limit: Duration = .seconds(20)
    ) async throws(ResolverError) -> [String] {
        switch await find(name, .text, until: .now + limit).records {
        case .failure(let error) where error.isTemporary: throw error
        case .failure: return []
        case .success(let records):
            return records.compactMap { record in
                guard case .text(let octets) = record.content else { return nil }
                return String(decoding: octets, as: UTF8.self)
            }
        }
    }
}
