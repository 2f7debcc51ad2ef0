import Net

/// Where a host is reached, and what is known of how true that is.
struct HopAddresses {
    var places: [SocketAddress]
    /// Where its aliases led.
    var canonicalName: String?
    var isSecure = false
}

extension Courier {
    func addresses(of host: HostPort) async throws(HopFailure) -> HopAddresses {
        if let address = SocketAddress(ip: host.host, port: host.port) {
            return HopAddresses(places: [address])
        }
        do throws(ResolverError) {
            let found = try await surroundings.addresses(host.host, manners.limits.resolve)
            let places = found.ips.compactMap { SocketAddress(ip: $0, port: host.port) }
            return HopAddresses(
                places: try reachable(places),
                canonicalName: found.canonicalName,
                isSecure: found.isSecure
            )
        } catch {
            let text = "\(host.host): \(error.inWords)"
            // A smart host may be given its name tomorrow; an exchanger that does not exist is none.
            let isLasting = !error.isTemporary && !manners.route.hop.isSmart
            throw isLasting ? .nowhere(text, host) : .unresolved(text, host)
        }
    }

    /// From a source address only its own family is reached.
    private func reachable(_ places: [SocketAddress]) throws(ResolverError) -> [SocketAddress] {
        guard let source = manners.route.sourceAddress else { return places }
        let isIPv4 = !source.contains(":")
        let found = places.filter { $0.number?.isIPv4 == isIPv4 }
        guard !found.isEmpty else { throw .noData }
        return found
    }

    /// The next hops for a domain. That a domain cannot be looked up is remembered like a dead host:
    /// not each of its mails waits for the name server.
    func way(to domain: String) async throws(HopFailure) -> Way {
        switch manners.route.hop {
        case .smartHosts(let hosts): return Way(hosts: hosts)
        case .capture: return Way(hosts: [])
        case .mailExchangers: break
        }
        if let literal = HostPort(addressLiteral: domain) { return Way(hosts: [literal]) }
        // No host has port 0.
        let question = HostPort(host: domain, port: 0)
        let permission = health.permission(for: question, at: surroundings.clock())
        if case .denied(let ailment) = permission {
            throw .unresolved(ailment.reason, HostPort(host: domain))
        }
        do throws(HopFailure) {
            var way = try await exchangers(of: domain)
            health.succeeded(question)
            if let trust = manners.trust {
                way.policy = await trust.policy(of: domain, in: surroundings)
            }
            return way
        } catch {
            if error.scope == .domain { health.succeeded(question) }
            if error.scope == .host {
                health.failed(
                    question,
                    because: error.reply.text,
                    at: surroundings.clock(),
                    isProbe: permission == .probe
                )
            }
            throw error
        }
    }

    /// RFC 5321 §5.1: by preference; the domain itself where it has no MX.
    private func exchangers(of domain: String) async throws(HopFailure) -> Way {
        let found: MailExchangers
        do throws(ResolverError) {
            found = try await surroundings.exchangers(domain, manners.limits.resolve)
        } catch .noSuchName {
            // The name servers do not know what stands in /etc/hosts.
            if (try? await surroundings.addresses(domain, manners.limits.resolve)) != nil {
                return Way(hosts: [HostPort(host: domain)])
            }
            throw .noDomain("the domain \(domain) does not exist", "5.1.2")
        } catch {
            throw .unresolved("MX of \(domain): \(error.inWords)", HostPort(host: domain))
        }
        guard !found.ranked.isEmpty else {
            return Way(hosts: [HostPort(host: domain)], isSecure: found.isSecure)
        }
        let named = found.ranked.filter { !$0.host.isEmpty && $0.host != "." }
        guard !named.isEmpty else {
            throw .noDomain("\(domain) accepts no mail", "5.1.10")  // RFC 7505 §4.2
        }
        return Way(hosts: try inOrder(named, of: domain), isSecure: found.isSecure)
    }

    private func inOrder(
        _ found: [(preference: UInt16, host: String)],
        of domain: String
    ) throws(HopFailure) -> [HostPort] {
        // The resolver has shuffled equals, and a stable sort leaves them so.
        let ranked = found.sorted { $0.preference < $1.preference }
        // Where we are an exchanger ourselves, only better ones come before us: RFC 5321 §5.1.
        let own = manners.route.helloName.lowercased()
        let ourRank = ranked.first { $0.host.lowercased() == own }?.preference
        let better = ranked.filter { exchanger in
            ourRank.map { exchanger.preference < $0 } ?? true
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
