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
    private var names: Set<String> = []

    init(_ records: [ExportRecord], _ options: ImportOptions) throws(ImportFailure) {
        self.options = options
        context = try ImportContext(records, options)
        for record in records where record.cmdlet == .receiveConnector {
            try take(receiver: record)
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
        let made = try entry.convert()
        if var made { place(&made, entry.source) }
        for line in entry.source.lines { report.add(line) }
    }

    /// Two servers have the same connectors: one of each is enough, and two on one place quarrel.
    private mutating func place(_ made: inout ImportedConnector, _ source: ImportedObject) {
        if let twin = connectors.first(where: { $0.isTwin(of: made) }) {
            let words = "the same as \"\(twin.rules.name)\" of \(twin.server)"
            return source.note("Name", .skipped, because: words, value: made.rules.name)
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
            mailboxServers: mailboxServers
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

    /// Exchange delivered the mail of its authoritative domains itself; here it needs a way there.
    private mutating func routeMailboxes() {
        let routed = Set(routes.flatMap { $0["addressSpaces"]?.exchangeList ?? [] })
        let own = domains.filter { $0.kind == .authoritative && !routed.contains("\($0.pattern)") }
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
