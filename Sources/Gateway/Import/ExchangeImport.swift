import Mail
import Policy
import Wire

/// From the exports of Exchange to a configuration and a report by rule.
struct ExchangeImport {
    private let options: ImportOptions
    private let context: ImportContext
    private(set) var report = ParityReport()
    private var connectors: [ImportedConnector] = []
    private var domains: [(pattern: DomainPattern, kind: AcceptedDomain.Kind)] = []
    private var defaultDomain: DomainPattern?
    private var routes: [JSONObject] = []
    private var names: Set<String> = ["HTTP API"]
    /// What `SERVER\Name` is called now, and is not where it was left behind.
    private var receivers: [String: String] = [:]
    /// Those that cannot serve their clients here, with why.
    private var barred: [(connector: ImportedConnector, reason: String)] = []

    init(_ records: [ExportRecord], _ options: ImportOptions) throws(ImportFailure) {
        self.options = options
        context = try ImportContext(records, options)
        for record in records where record.cmdlet == .receiveConnector {
            try take(receiver: record)
        }
        barClients()
        for lost in context.lostPermissions {
            report.add(
                Parity(
                    object: "permissions of \"\(lost.connector)\"",
                    setting: "ExtendedRights",
                    value: lost.lines.map(\.text).joined(separator: ", "),
                    outcome: .none,
                    became: "",
                    note: "no exported receive connector, or more than one, has that identity"
                )
            )
        }
        for record in records where record.cmdlet == .acceptedDomain { try take(domain: record) }
        for record in records where record.cmdlet == .sendConnector { try take(sender: record) }
        routeMailboxes()
    }

    /// The file, in JSON5.
    var configuration: String {
        var root = JSONObject([("hostname", .string(hostname))])
        if let domain = defaultDomain {
            root["postmaster"] = .string("postmaster@\(plainName(domain))")
        }
        if let files = options.certificate {
            let certificate = JSONObject([
                ("name", "default"), ("certificateFile", .string(files.certificateFile)),
                ("keyFile", .string(files.keyFile)),
            ])
            root["certificates"] = .array([.object(certificate)])
        }
        let receivers = [Self.httpDoor] + connectors.map(\.settings)
        root["receiveConnectors"] = .array(receivers.map { .object($0) })
        root["acceptedDomains"] = .array(
            domains.map { domain in
                [
                    "domain": .string(domain.pattern.description),
                    "type": .string(domain.kind.rawValue),
                ]
            }
        )
        root["sendConnectors"] = .array(routes.map { .object($0) })
        return JSON5Text.file(
            root,
            comment: "Imported from Exchange. Postern's own HTTP door was added."
        )
    }

    private static let httpDoor = JSONObject([
        ("name", "HTTP API"), ("protocol", "http"), ("bindings", ["127.0.0.1:8025"]),
        ("tls", ["mode": "none"]), ("permissionGroups", ["applications"]),
    ])

    var hostname: String {
        if let name = options.hostname { return name }
        let domain = defaultDomain ?? domains.first?.pattern
        return domain.map { "relay.\(plainName($0))" } ?? "relay.invalid"
    }

    // MARK: Receive connectors

    private mutating func take(receiver record: ExportRecord) throws(ImportFailure) {
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
    private mutating func barClients() {
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

    private func receiver(_ link: String) -> String? {
        if let name = receivers[link.lowercased()] { return name }
        let short = "\\" + (link.split(separator: "\\").last ?? "").lowercased()
        let found = Set(receivers.filter { $0.key.hasSuffix(short) }.values)
        return link.contains("\\") || found.count != 1 ? nil : found.first
    }

    // MARK: Domains and routes

    private mutating func take(domain record: ExportRecord) throws(ImportFailure) {
        var entry = AcceptedDomainImport(record)
        if let pattern = try entry.convert() {
            if domains.contains(where: { $0.pattern == pattern }) {
                entry.source.note("DomainName", .skipped, because: "it is there already")
            } else {
                domains.append((pattern, entry.kind))
            }
            if entry.isDefault { defaultDomain = pattern }
        }
        for line in entry.source.lines { report.add(line) }
    }

    private mutating func take(sender record: ExportRecord) throws(ImportFailure) {
        let organization = SendConnectorImport.Organization(
            domains: domains.filter { $0.kind != .externalRelay }.map(\.pattern),
            mailboxServers: mailboxServers,
            receiver: receiver
        )
        var entry = SendConnectorImport(record, of: organization)
        for var made in try entry.convert() {
            let name = made["name"]?.exchangeText ?? ""
            if routes.contains(where: { $0["name"] == made["name"] }) {
                made["name"] = .string("\(name) (\(routes.count + 1))")
                entry.source.note("Name", .approximated, because: "the name was given before")
            }
            routes.append(made)
        }
        for line in entry.source.lines { report.add(line) }
    }

    /// Exchange delivered the mail of its own domains itself, of an internal relay domain what had a
    /// mailbox; here it needs a way there.
    private mutating func routeMailboxes() {
        let routed = Set(routes.flatMap { $0["addressSpaces"]?.exchangeList ?? [] })
        for domain in domains where domain.kind == .authoritative {
            guard routed.contains("\(domain.pattern)") else { continue }
            report.add(
                Parity(
                    object: "delivery to mailboxes",
                    setting: "DomainType Authoritative",
                    value: "\(domain.pattern)",
                    outcome: .approximated,
                    became: "sendConnectors",
                    note:
                        "Exchange asks no send connector for it; here the one that names it is used"
                )
            )
        }
        let own = domains.filter { $0.kind != .externalRelay && !routed.contains("\($0.pattern)") }
        guard !own.isEmpty else { return }
        let hosts = mailboxServers
        let value = own.map(\.pattern.description).joined(separator: ", ")
        let cure = "name the server that holds the mailboxes with --mailbox-server HOST"
        guard !hosts.isEmpty else {
            report.add(
                Parity(
                    object: "delivery to mailboxes",
                    setting: "DomainType Authoritative",
                    value: value,
                    outcome: .none,
                    became: "",
                    note: cure
                )
            )
            return
        }
        let name = routes.contains { $0["name"] == "Exchange" } ? "Exchange mailboxes" : "Exchange"
        routes.append(
            JSONObject([
                ("name", .string(name)), ("addressSpaces", .texts(own.map(\.pattern.description))),
                ("smartHosts", .texts(hosts)), ("tls", "opportunistic"),
            ])
        )
        report.add(
            Parity(
                object: "delivery to mailboxes",
                setting: "DomainType Authoritative",
                value: value,
                outcome: .approximated,
                became: "sendConnectors: \(name), \(hosts.joined(separator: ", "))",
                note: options.mailboxServer == nil
                    ? "guessed from the receive connectors; \(cure)" : ""
            )
        )
    }

    private var mailboxServers: [String] { options.mailboxServer.map { [$0] } ?? servers }

    /// The names under which the exported servers greet.
    private var servers: [String] {
        var found: [String] = []
        for connector in connectors {
            guard let name = connector.settings["fqdn"]?.exchangeText, name.contains("."),
                !found.contains("\(name):25"), name != hostname
            else { continue }
            found.append("\(name):25")
        }
        return found
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
