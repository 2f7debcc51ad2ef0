import Net

extension Courier {
    /// How the conversation with a host has to be kept private: as the route says, or better where DNS
    /// or the domain's policy tells who the host is. DANE comes first: RFC 8461 §2.
    func privacy(for host: HostPort, _ found: HopAddresses) async throws(HopFailure) -> Privacy {
        let usual = Privacy(level: manners.route.security, tls: manners.tls)
        guard let trust = manners.trust else { return usual }
        if way.isSecure, found.isSecure,
            let better = try await privacyByDANE(for: host, found, trust)
        {
            return better
        }
        guard let policy = way.policy, policy.mode == .enforce else { return usual }
        guard policy.allows(host.host) else {
            throw .distrusted(
                "the MTA-STS policy of \(domain ?? "") does not name \(host.host)",
                host
            )
        }
        return Privacy(
            level: .verified,
            tls: try context(host) { () throws(StreamError) in
                try trust.authority()
            },
            proof: .policy
        )
    }

    /// RFC 7672 §2.2: records that can be used demand a certificate which they name, others demand TLS,
    /// and whether there are any has to be known. Nil where there are none.
    private func privacyByDANE(
        for host: HostPort,
        _ found: HopAddresses,
        _ trust: TrustShelf
    ) async throws(HopFailure) -> Privacy? {
        // §2.2.2: where the aliases lead, and then the name itself.
        let aliases = [found.canonicalName, host.host.lowercased()].compactMap { $0 }
        for (index, base) in aliases.enumerated() where !aliases[..<index].contains(base) {
            let records: [TLSARecord]?
            do throws(ResolverError) {
                let limit = manners.limits.resolve
                records = try await surroundings.authentications(base, host.port, limit)
            } catch {
                throw .distrusted("TLSA of \(base): \(error.inWords)", host)
            }
            guard let records, !records.isEmpty else { continue }
            let usable = records.filter(\.isUsableForMail)
            guard !usable.isEmpty else { return Privacy(level: .required, tls: manners.tls) }
            let identity = DANEIdentity(
                baseDomain: base,
                otherNames: [host.host, domain].compactMap { $0 }.filter { $0 != base },
                records: usable
            )
            let tls = try context(host) { () throws(StreamError) in try trust.dane() }
            return Privacy(level: .verified, tls: tls, identity: identity, proof: .dane)
        }
        return nil
    }

    private func context(
        _ host: HostPort,
        _ make: () throws(StreamError) -> TLSClientContext
    ) throws(HopFailure) -> TLSClientContext {
        do throws(StreamError) {
            return try make()
        } catch {
            throw .distrusted("TLS cannot be used: \(error)", host)
        }
    }
}

extension HopFailure {
    /// The host is not to have this domain's mail; that of others may go there.
    fileprivate static func distrusted(_ text: String, _ host: HostPort) -> HopFailure {
        HopFailure(
            phase: .startTLS,
            scope: .host,
            reply: .found(text, "4.7.5", host: host.description),
            isOfDomain: true
        )
    }
}
