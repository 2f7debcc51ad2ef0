import Net

extension Courier {
    func addresses(of host: HostPort) async throws(HopFailure) -> [SocketAddress] {
        if let address = SocketAddress(ip: host.host, port: host.port) { return [address] }
        do throws(ResolverError) {
            return try await surroundings.addresses(host.host, manners.limits.resolve)
                .compactMap { SocketAddress(ip: $0, port: host.port) }
        } catch {
            throw .unresolved("\(host.host): \(error.inWords)", host)
        }
    }

    /// RFC 5321 §5.1: by preference; the domain itself where it has no MX.
    func exchangers(of domain: String) async throws(HopFailure) -> [HostPort] {
        if let literal = HostPort(addressLiteral: domain) { return [literal] }
        let found: [Surroundings.Exchanger]
        do throws(ResolverError) {
            found = try await surroundings.exchangers(domain, manners.limits.resolve)
        } catch .noData {
            return [HostPort(host: domain)]
        } catch .noSuchName {
            // The name servers do not know what stands in /etc/hosts.
            if (try? await surroundings.addresses(domain, manners.limits.resolve)) != nil {
                return [HostPort(host: domain)]
            }
            throw .noDomain("the domain \(domain) does not exist", "5.1.2")
        } catch {
            throw .unresolved("MX of \(domain): \(error.inWords)", HostPort(host: domain))
        }
        guard !found.isEmpty else { return [HostPort(host: domain)] }
        if found.count == 1, found[0].host.isEmpty || found[0].host == "." {
            throw .noDomain("\(domain) accepts no mail", "5.1.10")  // RFC 7505 §4.2
        }
        return try inOrder(found, of: domain)
    }

    private func inOrder(
        _ found: [Surroundings.Exchanger],
        of domain: String
    ) throws(HopFailure) -> [HostPort] {
        // The resolver has shuffled equals, and a stable sort leaves them so.
        let ranked = found.sorted { $0.preference < $1.preference }
        // Where we are an exchanger ourselves, only better ones come before us: RFC 5321 §5.1.
        let own = manners.route.helloName.lowercased()
        let ourRank = ranked.first { $0.host.lowercased() == own }?.preference
        let better = ranked.filter { exchanger in ourRank.map { exchanger.preference < $0 } ?? true
        }
        guard !better.isEmpty else {
            throw .noDomain("the mail for \(domain) would come back to this host", "5.4.6")
        }
        return better.map { HostPort(host: $0.host) }
    }
}

extension HostPort {
    /// `[192.0.2.1]` or `[IPv6:2001:db8::1]` (RFC 5321 §4.1.3); nil for a domain.
    fileprivate init?(addressLiteral domain: String) {
        guard domain.hasPrefix("["), domain.hasSuffix("]") else { return nil }
        let inner = domain.dropFirst().dropLast()
        let isV6 = inner.lowercased().hasPrefix("ipv6:")
        self.init(host: String(isV6 ? inner.dropFirst(5) : inner))
    }
}

extension HopFailure {
    static func unroutable(_ text: String) -> HopFailure {
        HopFailure(phase: .resolve, scope: .route, reply: .found(text, "4.4.4"))
    }

    static func unresolved(_ text: String, _ host: HostPort) -> HopFailure {
        HopFailure(
            phase: .resolve,
            scope: .host,
            reply: .found(text, "4.4.3", host: host.description)
        )
    }

    fileprivate static func noDomain(_ text: String, _ enhanced: String) -> HopFailure {
        HopFailure(phase: .resolve, scope: .domain, reply: .found(text, enhanced))
    }
}

extension ResolverError {
    var inWords: String {
        switch self {
        case .noSuchName: "no such name"
        case .noData: "no address"
        case .serverFailure: "the name server failed"
        case .timedOut: "the name server did not answer"
        }
    }
}

extension Route.Hop {
    var isSmart: Bool { if case .smartHosts = self { true } else { false } }
}
