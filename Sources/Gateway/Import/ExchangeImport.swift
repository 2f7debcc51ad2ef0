import Mail
import Policy
import Wire

/// From the exports of Exchange to a configuration and a report by rule.
struct ExchangeImport {
    let options: ImportOptions
    let context: ImportContext
    var report = ParityReport()
    var connectors: [ImportedConnector] = []
    var domains: [(pattern: DomainPattern, kind: AcceptedDomain.Kind)] = []
    var defaultDomain: DomainPattern?
    var routes: [JSONObject] = []
    var names: Set<String> = ["HTTP API"]
    /// What `SERVER\Name` is called now, and is not where it was left behind.
    var receivers: [String: String] = [:]
    /// Those that cannot serve their clients here, with why.
    var barred: [(connector: ImportedConnector, reason: String)] = []

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
}
