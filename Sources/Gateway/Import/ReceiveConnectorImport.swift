import Mail
import Policy
import Wire

/// A receive connector on its way from Exchange: what it will be in the file, and what the rules
/// will think of it.
struct ImportedConnector {
    let server: String
    var settings: JSONObject
    /// For the safety audit and the search for conflicts.
    var rules: ReceiveConnector
}

/// One receive connector of Exchange.
struct ReceiveConnectorImport {
    let source: ImportedObject
    let context: ImportContext
    var made: ImportedConnector
    private(set) var groups: Set<String> = []
    private(set) var authentication: Set<String> = []
    /// Why its clients cannot be served here, where they were in Exchange.
    private(set) var barredFor: String?

    init(_ record: ExportRecord, _ context: ImportContext) {
        self.context = context
        let name = record.shortName
        source = ImportedObject(record, title: "receive connector \"\(name)\"")
        made = ImportedConnector(
            server: record.serverName,
            settings: JSONObject([("name", .string(name)), ("protocol", "smtp")]),
            rules: ReceiveConnector(name: name, door: .smtp, bindings: [])
        )
    }

    /// Nil for one that serves only other Exchange servers.
    mutating func convert() throws(ImportFailure) -> ImportedConnector? {
        groups = try source.flags("PermissionGroups", .groups)
        authentication = try source.flags("AuthMechanism", .authentication)
        try readBindings()
        if let reason = serverReason {
            try readRanges()
            source.skip(because: reason, value: made.rules.name)
            if try isEnabled { barredFor = "it serves Exchange servers alone" }
            return nil
        }
        try readEnabled()
        try readRanges()
        try readTLS()
        readLogon()
        readGroups()
        readWords()
        try readLimits()
        try readKeywords()
        try readLogging()
        source.noteUnmatched(UnmatchedSetting.ofReceivers)
        source.noteUnknown()
        return made
    }

    /// Why it is none of Postern's business.
    private var serverReason: String? {
        let ports = Set(made.rules.bindings.map(\.port))
        let isHub = ["HubTransport", "32"].contains(source.text("TransportRole") ?? "")
        if ports == [717] || (isHub && !ports.isDisjoint(with: [2525, 465])) {
            return "carries mail between Exchange servers alone; keep it in Exchange"
        }
        let servers: Set = ["ExchangeServers", "ExchangeLegacyServers"]
        if !groups.isEmpty, groups.isSubset(of: servers), !authentication.contains(Self.trust) {
            return "serves Exchange servers alone; keep it in Exchange"
        }
        return nil
    }

    static let trust = "ExternalAuthoritative"

    private mutating func readBindings() throws(ImportFailure) {
        for text in try source.list("Bindings") {
            guard let binding = Binding(text) else {
                throw source.malformed("Bindings", "holds \"\(text)\", which is no ip:port")
            }
            made.rules.bindings.append(binding)
        }
        guard !made.rules.bindings.isEmpty else {
            throw source.malformed("Bindings", "is empty")
        }
        made.settings["bindings"] = .texts(made.rules.bindings.map(\.description))
        let isOwn = made.rules.bindings.contains { $0.address != nil && !$0.isLoopback }
        source.note(
            "Bindings",
            isOwn ? .approximated : .exact,
            "bindings",
            because: isOwn ? "an address of Exchange's server: this machine must have it" : ""
        )
    }

    private mutating func readEnabled() throws(ImportFailure) {
        guard try !isEnabled else { return }
        made.disable()
        source.note("Enabled", .exact, "enabled: false")
    }

    private var isEnabled: Bool {
        get throws(ImportFailure) {
            source.text("Enabled") == nil ? true : try source.flag("Enabled")
        }
    }

    private mutating func readRanges() throws(ImportFailure) {
        var dropped: [String] = []
        for text in try source.list("RemoteIPRanges") {
            let plain = text.withoutZones
            guard let range = AddressRange(exchange: plain) else {
                throw source.malformed("RemoteIPRanges", "holds \"\(text)\", which is no range")
            }
            if plain != text { dropped.append(text) }
            if !made.rules.remoteRanges.contains(range) { made.rules.remoteRanges.append(range) }
        }
        let ranges = made.rules.remoteRanges
        guard !ranges.isEmpty else {
            throw source.malformed("RemoteIPRanges", "is empty")
        }
        made.settings["remoteIPRanges"] = .texts(ranges.map(\.description))
        source.note(
            "RemoteIPRanges",
            dropped.isEmpty ? .exact : .approximated,
            "remoteIPRanges",
            because: dropped.isEmpty
                ? "" : "without the zones of \(dropped.joined(separator: ", "))"
        )
    }

    // MARK: TLS and logon

    private mutating func readTLS() throws(ImportFailure) {
        let demands = try source.flag("RequireTLS")
        let offers = demands || authentication.contains("Tls")
        var tls = JSONObject()
        tls["mode"] = demands ? "required" : offers ? "offered" : "none"
        made.rules.tls.mode = demands ? .required : offers ? .offered : .none
        source.note("RequireTLS", .exact, demands ? "tls.mode: \"required\"" : "")
        if offers, context.options.certificate == nil {
            lackCertificate(demands, &tls)
        }
        made.settings["tls"] = .object(tls)
        guard source.text("TlsCertificateName") != nil else { return }
        source.note(
            "TlsCertificateName",
            context.options.certificate == nil ? .none : .approximated,
            context.options.certificate == nil ? "" : "certificates[0]",
            because: "certificates are files here: give --certificate FILE and --key FILE"
        )
    }

    private mutating func lackCertificate(_ demands: Bool, _ tls: inout JSONObject) {
        let cure =
            "give --certificate FILE and --key FILE, or list one in certificates and set it back"
        if demands || !groups.contains("AnonymousUsers") {
            if made.rules.isEnabled { barredFor = "it has no certificate" }
            made.disable()
            source.note(
                "RequireTLS",
                .skipped,
                "enabled: false",
                because: "no certificate: \(cure)"
            )
        } else {
            tls["mode"] = "none"
            made.rules.tls.mode = .none
            source.note(
                "Tls",
                .skipped,
                "tls.mode: \"none\"",
                because: "no certificate: \(cure)"
            )
        }
    }

    private mutating func readLogon() {
        let takesPasswords =
            authentication.contains("BasicAuth") || authentication.contains("BasicAuthRequireTLS")
        var notes: [String] = []
        if takesPasswords {
            made.settings["authentication"] = ["login"]
            made.rules.authentication = [.login]
            if !authentication.contains("BasicAuthRequireTLS") {
                made.settings["allowPlaintextAuthentication"] = true
                made.rules.allowsPlaintextAuthentication = true
            }
        } else if authentication.contains("Integrated"), groups.contains("ExchangeUsers") {
            made.settings["authentication"] = ["login"]
            made.rules.authentication = [.login]
        }
        if authentication.contains("Integrated") {
            notes.append(
                "Integrated: no NTLM and no Kerberos; clients log on with LOGIN inside TLS"
            )
        }
        if authentication.contains("ExchangeServer") {
            notes.append("ExchangeServer: X-ANONYMOUSTLS is between Exchange servers alone")
        }
        if authentication.contains(Self.trust) {
            notes.append("\(Self.trust): the range itself is trusted, see PermissionGroups")
        }
        source.note(
            "AuthMechanism",
            notes.isEmpty ? .exact : .approximated,
            takesPasswords ? "tls, authentication: [\"login\"]" : "tls",
            because: notes.joined(separator: "; "),
            value: authentication.sorted().joined(separator: ", ")
        )
    }
}

extension ImportedConnector {
    mutating func disable() {
        settings["enabled"] = false
        rules.isEnabled = false
    }
}

extension ImportedConnector {
    /// At the same place and for the same clients, of whom it accepts nothing.
    func closed(as name: String) -> ImportedConnector {
        var closed = self
        closed.settings = JSONObject([
            ("name", .string(name)), ("protocol", "smtp"),
            ("bindings", .texts(rules.bindings.map(\.description))),
            ("remoteIPRanges", .texts(rules.remoteRanges.map(\.description))),
            ("tls", ["mode": "none"]), ("permissionGroups", []),
        ])
        closed.rules = ReceiveConnector(name: name, door: .smtp, bindings: rules.bindings)
        closed.rules.remoteRanges = rules.remoteRanges
        return closed
    }
}
