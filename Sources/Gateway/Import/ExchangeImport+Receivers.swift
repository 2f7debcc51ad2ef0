import Mail
import Policy
import Wire

/// Receive connectors: one of each, and none that quarrels with another.
extension ExchangeImport {
    mutating func take(receiver record: ExportRecord) throws(ImportFailure) {
        var entry = ReceiveConnectorImport(record, context)
        if var made = try entry.convert() {
            place(&made, entry.source)
            receivers[record.fullName.lowercased()] = made.rules.name
        }
        if let reason = entry.barredFor { barred.append((entry.made, reason)) }
        for line in entry.source.lines { report.add(line) }
    }

    /// Two servers have the same connectors: one of each is enough, and two on one place quarrel.
    private mutating func place(_ made: inout ImportedConnector, _ source: ImportedObject) {
        if let twin = connectors.first(where: { $0.isTwin(of: made) }) {
            let words = "the same as \"\(twin.rules.name)\" of \(twin.server)"
            source.note("Name", .skipped, because: words, value: made.rules.name)
            made.rules.name = twin.rules.name
            return
        }
        if !names.insert(made.rules.name).inserted {
            let name = "\(made.rules.name) (\(made.server) \(connectors.count + 1))"
            made.rename(name)
            names.insert(name)
            source.note(
                "Name",
                .approximated,
                "name: \"\(name)\"",
                because: "the name was given before"
            )
        }
        let book = Rulebook(
            receiveConnectors: connectors.map(\.rules) + [made.rules],
            acceptedDomains: [],
            sendConnectors: []
        )
        if let conflict = book.conflicts.first {
            made.disable()
            source.note(
                "Bindings",
                .skipped,
                "enabled: false",
                because:
                    "quarrels with \"\(conflict.first)\" on \(conflict.binding): \(conflict.text)"
            )
        }
        connectors.append(made)
    }

    /// In Exchange the tightest connector serves a client. Where that one cannot, its clients must not
    /// fall to a wider one that may relay for them: it stays, and serves nobody.
    mutating func barClients() {
        for (connector, reason) in barred {
            let closed = connector.closed(as: freeName(connector.rules.name))
            let others = connectors.filter { $0.rules.name != connector.rules.name }
            let heir = others.first {
                $0.rules.isEnabled && $0.rules.takesClients(of: closed.rules)
            }
            guard let heir else { continue }
            let book = Rulebook(
                receiveConnectors: (others + [closed]).map(\.rules),
                acceptedDomains: [],
                sendConnectors: []
            )
            let isPossible = book.conflicts.isEmpty
            if isPossible {
                connectors = others + [closed]
                names.insert(closed.rules.name)
            }
            report.add(
                Parity(
                    object: "receive connector \"\(connector.rules.name)\"",
                    setting: "RemoteIPRanges",
                    value: connector.rules.remoteRanges.map(\.description).joined(separator: ", "),
                    outcome: isPossible ? .approximated : .none,
                    became: isPossible ? "permissionGroups: []" : "",
                    note: isPossible
                        ? "\(reason): it refuses its clients, whom \"\(heir.rules.name)\" would serve else"
                        : "\(reason): look whether \"\(heir.rules.name)\" may serve its clients"
                )
            )
        }
    }

    private func freeName(_ name: String) -> String {
        let isOwn = connectors.contains { $0.rules.name == name } || !names.contains(name)
        return isOwn ? name : "\(name) (\(connectors.count + 1))"
    }

    func receiver(_ link: String) -> String? {
        if let name = receivers[link.lowercased()] { return name }
        let short = "\\" + (link.split(separator: "\\").last ?? "").lowercased()
        let found = Set(receivers.filter { $0.key.hasSuffix(short) }.values)
        return link.contains("\\") || found.count != 1 ? nil : found.first
    }
}

extension ImportedConnector {
    /// The same one told twice, or another server's that is the same but for its own names.
    fileprivate func isTwin(of other: ImportedConnector) -> Bool {
        bare == other.bare && (server != other.server || rules.name == other.rules.name)
    }

    private var bare: JSONObject {
        var bare = settings
        for key in ["name", "fqdn", "banner"] { bare[key] = nil }
        return bare
    }

    fileprivate mutating func rename(_ name: String) {
        settings["name"] = .string(name)
        rules.name = name
    }
}

extension ReceiveConnector {
    /// Some clients of the other would come to this one, if it were not there.
    fileprivate func takesClients(of other: ReceiveConnector) -> Bool {
        let isThere = bindings.contains { place in
            other.bindings.contains {
                $0.port == place.port && $0.family == place.family
                    && ($0.address == place.address || $0.address == nil || place.address == nil)
            }
        }
        let overlaps = remoteRanges.contains { range in
            other.remoteRanges.contains { $0.overlaps(range) }
        }
        return isThere && overlaps
    }
}
