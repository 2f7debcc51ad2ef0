import Delivery
import Mail
import Policy
import Wire

/// One send connector of Exchange; several here where its address spaces differ in cost.
struct SendConnectorImport {
    let source: ImportedObject
    private var settings = JSONObject()
    private let name: String
    private let organization: Organization

    /// What `--` stands for in the connectors of an Edge Subscription.
    struct Organization {
        /// Authoritative and internal relay.
        var domains: [DomainPattern]
        /// With their ports.
        var mailboxServers: [String]
        /// The name that a receive connector, `SERVER\Name`, has now.
        var receiver: (String) -> String?
    }

    private static let ours = "--"

    init(_ record: ExportRecord, of organization: Organization) {
        self.organization = organization
        name = record.shortName
        source = ImportedObject(record, title: "send connector \"\(name)\"")
    }

    mutating func convert() throws(ImportFailure) -> [JSONObject] {
        if source.text("Enabled") != nil, try !source.flag("Enabled") {
            source.note(
                "Enabled",
                .skipped,
                because: "it is switched off; a send connector here is not"
            )
            return []
        }
        let spaces = try addressSpaces()
        guard !spaces.isEmpty else { return [] }
        guard try readHop(), readLink() else { return [] }
        try readSecurity()
        try readLogon()
        try readLimits()
        try readNames()
        source.noteUnmatched(UnmatchedSetting.ofSenders)
        source.noteUnknown()
        let costs = Set(spaces.map(\.cost)).sorted()
        return costs.map { cost in
            let own = spaces.filter { $0.cost == cost }.map(\.domain)
            let title = costs.count == 1 ? name : "\(name) (cost \(cost))"
            var made = JSONObject([("name", .string(title)), ("addressSpaces", .texts(own))])
            if cost != 1 { made["cost"] = .number(JSONNumber(cost)) }
            for member in settings { made[member.key] = member.value }
            return made
        }
    }

    private func addressSpaces() throws(ImportFailure) -> [(domain: String, cost: Int)] {
        var spaces: [(domain: String, cost: Int)] = []
        let value = source.record["AddressSpaces"]
        for element in value?.exchangeElements ?? [value].compactMap(\.self) {
            guard let object = element.objectValue, object["Address"] != nil else { continue }
            let kind = object["Type"]?.exchangeText ?? "SMTP"
            try add(
                "\(kind):\(object["Address"]?.exchangeText ?? "");\(object["Cost"]?.exchangeText ?? "1")",
                to: &spaces
            )
        }
        if spaces.isEmpty {
            for text in try joined(source.list("AddressSpaces")) { try add(text, to: &spaces) }
        }
        guard !spaces.isEmpty else { return [] }
        let isSplit = Set(spaces.map(\.cost)).count > 1
        source.note(
            "AddressSpaces",
            .exact,
            "addressSpaces, cost",
            because: isSplit ? "one send connector for each cost" : ""
        )
        return spaces
    }

    /// A table joins with semicolons, which stand within an address space too: a number belongs to what
    /// stands before it.
    private func joined(_ texts: [String]) -> [String] {
        texts.flatMap { $0.split(separator: ";") }.reduce(into: []) { spaces, part in
            let isMore = part.allSatisfy(\.isNumber) || part.contains("=")
            if isMore, let last = spaces.popLast() {
                spaces.append("\(last);\(part)")
            } else {
                spaces.append(String(part))
            }
        }
    }

    /// `SMTP:*.contoso.com;5`, or a bare domain.
    private func add(
        _ text: String,
        to spaces: inout [(domain: String, cost: Int)]
    ) throws(ImportFailure) {
        var rest = text[...]
        if let colon = rest.firstIndex(of: ":") {
            guard rest[..<colon].uppercased() == "SMTP" else {
                source.note(
                    "AddressSpaces",
                    .none,
                    because: "only SMTP is spoken here",
                    value: text
                )
                return
            }
            rest = rest[rest.index(after: colon)...]
        }
        let parts = rest.split(separator: ";")
        let cost = parts.count > 1 ? Int(parts[1]) : 1
        guard let domain = parts.first, let patterns = patterns(String(domain)), let cost,
            (1...100).contains(cost)
        else {
            throw source.malformed(
                "AddressSpaces",
                "holds \"\(text)\", which is no SMTP:domain;cost"
            )
        }
        if patterns.isEmpty {
            source.note(
                "AddressSpaces",
                .none,
                because: "stands for the accepted domains; import Get-AcceptedDomain with it",
                value: text
            )
        }
        spaces += patterns.map { ($0.description, cost) }
    }

    private func patterns(_ domain: String) -> [DomainPattern]? {
        domain == Self.ours ? organization.domains : DomainPattern(domain).map { [$0] }
    }

    /// False where the mail would have nowhere to go.
    private mutating func readHop() throws(ImportFailure) -> Bool {
        let port = try source.read("Port", "a port") { Int($0) } ?? 25
        let hosts = try source.list("SmartHosts").map { $0.filter { !"[]".contains($0) } }
        let usesDNS =
            source.text("DNSRoutingEnabled") != nil
            ? try source.flag("DNSRoutingEnabled") : hosts.isEmpty
        guard usesDNS || !hosts.isEmpty else {
            throw source.malformed(
                "SmartHosts",
                "is empty though DNSRoutingEnabled is False; export with ConvertTo-Json -Depth 4"
            )
        }
        if usesDNS {
            settings["delivery"] = "mx"
            source.note("DNSRoutingEnabled", .exact, "delivery: \"mx\"")
            return true
        }
        let named = hosts.flatMap { host in
            host == Self.ours
                ? organization.mailboxServers
                : [host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"]
        }
        guard !named.isEmpty else {
            source.note(
                "SmartHosts",
                .none,
                because: "stands for the mailbox servers; name one with --mailbox-server HOST"
            )
            return false
        }
        for host in named where HostPort(host) == nil {
            throw source.malformed("SmartHosts", "holds \"\(host)\", which is no host")
        }
        settings["smartHosts"] = .texts(named)
        source.note(
            "SmartHosts",
            hosts.count > 1 ? .approximated : .exact,
            "smartHosts",
            because: hosts.count > 1 ? "asked in this order; Exchange tells no order" : ""
        )
        if source.text("Port") != nil { source.note("Port", .exact, "smartHosts") }
        return true
    }

    private mutating func readSecurity() throws(ImportFailure) {
        let level = try source.choice("TlsAuthLevel", .tlsLevel)
        let logon = try source.choice("SmartHostAuthMechanism", .smartHostLogon)
        // Exchange gives no password away without TLS then, whatever RequireTLS says.
        let guardsPassword = logon == "BasicAuthRequireTLS"
        let demands = try source.flag("RequireTLS") || level != nil || guardsPassword
        let ignores = try source.flag("IgnoreSTARTTLS")
        let isVerified = level == "CertificateValidation" || level == "DomainValidation"
        let mode =
            isVerified ? "verified" : demands ? "required" : ignores ? "none" : "opportunistic"
        settings["tls"] = .string(mode)
        source.note(
            "RequireTLS",
            .exact,
            "tls: \"\(mode)\"",
            because: guardsPassword ? "for BasicAuthRequireTLS" : ""
        )
        if source.text("IgnoreSTARTTLS") != nil {
            source.note("IgnoreSTARTTLS", .exact, "tls: \"\(mode)\"")
        }
        if level != nil {
            source.note(
                "TlsAuthLevel",
                level == "CertificateValidation" ? .approximated : .exact,
                "tls: \"\(mode)\"",
                because: level == "CertificateValidation" ? "the host's name is verified too" : ""
            )
        }
        guard source.text("TlsDomain") != nil else { return }
        source.note("TlsDomain", .approximated, because: "the certificate must name the smart host")
    }

    private func readLogon() throws(ImportFailure) {
        let kind = try source.choice("SmartHostAuthMechanism", .smartHostLogon) ?? "None"
        switch kind {
        case "BasicAuth", "BasicAuthRequireTLS":
            let user =
                source.text("AuthenticationCredential").flatMap {
                    $0.hasPrefix("System.") ? nil : $0
                } ?? "USER"
            source.note(
                "SmartHostAuthMechanism",
                .none,
                because: "an export holds no password: put it in a file and add authentication:"
                    + " { mechanism: \"login\", username: \"\(user)\", passwordFile: \"…\" }"
            )
        case "None":
            if source.text("SmartHostAuthMechanism") != nil {
                source.note("SmartHostAuthMechanism", .exact)
            }
        default:
            source.note(
                "SmartHostAuthMechanism",
                .none,
                because: "belongs to Exchange servers alone"
            )
        }
    }

    private mutating func readLimits() throws(ImportFailure) {
        var limits = JSONObject()
        let size = try source.read("MaxMessageSize", "a size or Unlimited") { text in
            text == "Unlimited" ? -1 : ExchangeQuantity.octets(text)
        }
        if let size {
            if size >= 0 { limits["messageSize"] = .string(Quantity.sizeText(size)) }
            source.note("MaxMessageSize", .exact, size < 0 ? "" : "limits.messageSize")
        }
        let count = try source.read("SmtpMaxMessagesPerConnection", "a number") { Int($0) }
        if let count {
            let kept = min(max(count, 1), 1_000_000)
            limits["messagesPerConnection"] = .number(JSONNumber(kept))
            source.note(
                "SmtpMaxMessagesPerConnection",
                .exact,
                "limits.messagesPerConnection: \(kept)"
            )
        }
        if !limits.isEmpty { settings["limits"] = .object(limits) }
    }

    private mutating func readNames() throws(ImportFailure) {
        if let name = source.text("Fqdn") {
            settings["helloName"] = .string(name.lowercased())
            source.note("Fqdn", .exact, "helloName")
        }
        if let address = source.text("SourceIPAddress") {
            let isFree = ["0.0.0.0", "::"].contains(address)
            if !isFree { settings["sourceAddress"] = .string(address) }
            source.note("SourceIPAddress", .exact, isFree ? "" : "sourceAddress")
        }
    }

    /// False where the connector whose mail it carries was not carried over: it would serve nobody.
    private mutating func readLink() -> Bool {
        guard let linked = source.text("LinkedReceiveConnector") else { return true }
        guard let name = organization.receiver(linked) else {
            source.note(
                "LinkedReceiveConnector",
                .skipped,
                because: "that receive connector is not among those carried over"
            )
            return false
        }
        settings["sources"] = .texts([name])
        source.note("LinkedReceiveConnector", .exact, "sources: \(name)")
        return true
    }
}
