import Delivery
import Mail
import Policy
import Wire

private enum DeliveryWay: String, CaseIterable {
    case mx
    case capture
}

private enum SendPreset: String, CaseIterable {
    case m365Submission = "m365-submission"
    case googleRelay = "google-relay"

    func apply(to limits: inout RouteLimits) {
        switch self {
        case .m365Submission:
            limits.connections = 3
            limits.messagesPerMinute = 30
            limits.recipientsPerMessage = 500
            limits.recipientsPerDay = 10_000
        case .googleRelay:
            limits.recipientsPerMessage = 100
            limits.recipientsPerDay = 10_000
        }
    }
}

extension ConfigurationDraft {
    /// A send connector is two things: a route that carries mail, and what the rules know of it.
    mutating func readSendConnector(
        _ reader: SettingsReader,
        _ readSecret: (String) -> String?
    ) {
        let name = reader.string("name") ?? ""
        if name.isEmpty, !reader.isFaulty("name") {
            reader.note("name", "a send connector needs a name")
        }
        let spaces = reader.values("addressSpaces", "domain, *.domain or *") { DomainPattern($0) }
        if spaces?.isEmpty ?? true, !reader.isFaulty("addressSpaces") {
            reader.note("addressSpaces", "must list at least one domain, *.domain or *")
        }
        var connector = SendConnector(name: name, addressSpaces: spaces ?? [])
        connector.cost = reader.integer("cost", in: 1...100) ?? 1
        connector.sources = Set(reader.strings("sources") ?? [])
        var route = Route(name: name, hop: readHop(reader), helloName: hostname)
        readSecurity(reader, &route, readSecret)
        let logon = "{ mechanism: \"plain\", username: \"relay\", passwordFile: \"password\" }"
        route.credentials = reader.object("authentication", like: logon).flatMap {
            readCredentials($0, readSecret)
        }
        if let preset = reader.choice("preset", SendPreset.self) {
            preset.apply(to: &route.limits)
        }
        if let limits = reader.object("limits", like: "{ connections: 10 }") {
            readLimits(limits, &route.limits, of: name)
        }
        route.helloName =
            reader.value("helloName", "a host name such as \"relay.corp.example\"") {
                try? Mailbox.domain(parsing: $0)
            } ?? hostname
        route.sourceAddress = reader.value("sourceAddress", "an IP address") {
            IPAddress($0)?.description
        }
        connector.messageSize = route.limits.messageSize
        route.certificate = readClientCertificate(reader, readSecret)
        route.dkim = readSigning(reader, name, readSecret)
        route.nameServers = readNameServers(of: reader) ?? nameServers
        route.rewrite = reader.value("rewriteSender", "an address") {
            (try? Mailbox(parsing: $0)).map { SenderRewrite(to: $0) }
        }
        checkFit(reader, route)
        reader.finish(knownTo: "a send connector")
        sendConnectors.append(connector)
        routes.append(route)
    }

    private func readHop(_ reader: SettingsReader) -> Route.Hop {
        let way = reader.choice("delivery", DeliveryWay.self)
        let hosts = reader.values("smartHosts", "a host or host:port") { HostPort($0) }
        switch (way, hosts) {
        case (.mx, nil): return .mailExchangers
        case (.capture, nil): return .capture
        case (nil, let hosts?) where !hosts.isEmpty: return .smartHosts(hosts)
        case (.some, .some):
            reader.note("delivery", "cannot stand beside smartHosts; keep one of them")
        case _ where reader.isFaulty("delivery") || reader.isFaulty("smartHosts"):
            break
        default:
            reader.note("smartHosts", "list smart hosts, or set delivery: \"mx\" or \"capture\"")
        }
        return .capture
    }

    private func readSecurity(
        _ reader: SettingsReader,
        _ route: inout Route,
        _ readSecret: (String) -> String?
    ) {
        route.security = reader.choice("tls", Route.Security.self) ?? route.security
        route.caFile = reader.string("caFile")
        if let file = route.caFile { checkAuthorities(file, reader, readSecret) }
    }

    /// What stands there and contradicts how the mail goes out.
    private mutating func checkFit(_ reader: SettingsReader, _ route: Route) {
        switch route.hop {
        case .mailExchangers where reader.isGiven("authentication"):
            reader.note(
                "authentication",
                "cannot stand beside delivery: \"mx\", or each exchanger would be shown the secret;"
                    + " name the service in smartHosts"
            )
        case .mailExchangers where route.security == .implicit:
            reader.note("tls", "\"implicit\" is for smartHosts; exchangers speak STARTTLS")
        case .smartHosts(let hosts) where route.security == .none && route.credentials != nil:
            if let open = hosts.first(where: { !$0.isLoopback }) {
                warnings.append(
                    AuditFinding(
                        .warning,
                        "plaintext_logon",
                        of: route.name,
                        "logs on to \(open) in the clear; set tls: \"verified\", or \"implicit\""
                    )
                )
            }
        default: break
        }
    }

    private mutating func readLimits(
        _ reader: SettingsReader,
        _ limits: inout RouteLimits,
        of name: String
    ) {
        let count = 1...1_000_000
        limits.connections = reader.integer("connections", in: 1...1000) ?? limits.connections
        limits.messagesPerConnection =
            reader.integer("messagesPerConnection", in: count) ?? limits.messagesPerConnection
        limits.messagesPerMinute =
            reader.integer("messagesPerMinute", in: count) ?? limits.messagesPerMinute
        limits.recipientsPerMessage =
            reader.integer("recipientsPerMessage", in: count) ?? limits.recipientsPerMessage
        limits.messageSize = reader.octets("messageSize") ?? limits.messageSize
        limits.recipientsPerDay =
            reader.integer("recipientsPerDay", in: count) ?? limits.recipientsPerDay
        reader.finish(knownTo: "limits")
    }
}
