import Mail
import Policy
import Store

/// What the inventory of sources says about the configuration.
enum SourceAudit {
    static let codes = ["unseen_range", "needs_old_tls"]

    private static let long = Duration.seconds(90 * 86_400)
    private static let oldVersions = ["SSLv3", "TLSv1", "TLSv1.1"]
    /// How many are told by name.
    private static let most = 100

    /// Where history is not kept that long, nobody can say who was away.
    static func findings(
        _ store: MailStore,
        _ configuration: Configuration,
        at now: Timestamp
    ) async throws(StoreError) -> [AuditFinding] {
        var query = SourceQuery(limit: most)
        query.tlsVersions = oldVersions
        let page = try await store.sources(query)
        var old = page.records.map { source in
            AuditFinding(
                .warning,
                "needs_old_tls",
                of: source.key.connector,
                "\(source.name) still needs \(source.sighting.tlsVersion ?? "old TLS");"
                    + " minimumVersion below \"1.2\" serves such devices"
            )
        }
        if page.next != nil, let last = page.records.last {
            old.append(
                AuditFinding(
                    .warning,
                    "needs_old_tls",
                    of: last.key.connector,
                    "more than these \(most) still need old TLS; source list shows all"
                )
            )
        }
        guard configuration.retention.history >= long else { return old }
        let watched = configuration.rulebook.watchedRanges
        return old
            + (try await store.silentRanges(since: now - long))
            .filter { watched.contains($0) }
            .map { silent in
                let range = AddressRange(
                    silent.addresses.lowerBound,
                    through: silent.addresses.upperBound
                )
                return AuditFinding(
                    .warning,
                    "unseen_range",
                    of: silent.connector,
                    "\(range) has not been seen for 90 days; take it out of remoteIPRanges if"
                        + " nobody misses it"
                )
            }
    }
}

extension SourceRecord {
    fileprivate var name: String {
        guard let helo = sighting.helo, !helo.isEmpty else { return "\(key.address)" }
        return "\(key.address) (\(helo))"
    }
}

extension Rulebook {
    /// Whoever is in these ranges may relay for being there.
    var watchedRanges: Set<WatchedRange> {
        let relays = receiveConnectors.filter { connector in
            connector.isEnabled && connector.permissionGroups.contains(.anonymous)
                && connector.rights.contains(.acceptAnyRecipient)
        }
        return Set(
            relays.flatMap { connector in
                connector.remoteRanges.map {
                    WatchedRange(connector: connector.name, addresses: $0.lower...$0.upper)
                }
            }
        )
    }
}
