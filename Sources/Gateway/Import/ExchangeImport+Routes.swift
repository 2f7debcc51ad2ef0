import Mail
import Policy
import Wire

/// Accepted domains, send connectors, and the way to the mailboxes that were Exchange's own.
extension ExchangeImport {
    mutating func take(domain record: ExportRecord) throws(ImportFailure) {
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

    mutating func take(sender record: ExportRecord) throws(ImportFailure) {
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
    mutating func routeMailboxes() {
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
