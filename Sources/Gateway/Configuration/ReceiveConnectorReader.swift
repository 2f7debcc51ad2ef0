import Mail
import Policy
import Wire

/// What a preset stands for; the connector's own keys override it (contract section 9).
private enum ReceivePreset: String, CaseIterable {
    case defaultFrontend = "default-frontend"
    case clientFrontend = "client-frontend"
    case anonymousRelay = "anonymous-relay"
    case legacyDevice = "legacy-device"

    func apply(to connector: inout ReceiveConnector) {
        switch self {
        case .defaultFrontend:
            connector.tls.mode = .offered
            connector.permissionGroups = [.anonymous]
        case .clientFrontend:
            connector.tls.mode = .required
            connector.authentication = [.plain, .login]
            connector.permissionGroups = [.applications]
        case .anonymousRelay:
            connector.tls.mode = .offered
            connector.permissionGroups = [.anonymous]
            connector.rights.insert(.acceptAnyRecipient)
        case .legacyDevice:
            connector.tls.mode = .none
            connector.allowsMailWithoutHello = true
            connector.limits.lifetime = .seconds(1800)
            connector.suppressedKeywords = ["CHUNKING", "BINARYMIME", "SMTPUTF8"]
        }
    }
}

extension ConfigurationDraft {
    mutating func readReceiveConnector(_ reader: SettingsReader, index: Int) {
        let door = reader.choice("protocol", ReceiveConnector.Door.self) ?? .smtp
        let name = reader.string("name") ?? ""
        if name.isEmpty, !reader.isFaulty("name") {
            reader.note("name", "a receive connector needs a name")
        }
        let bindings = reader.values("bindings", "ip:port or [v6]:port") { Binding($0) } ?? []
        if bindings.isEmpty, !reader.isFaulty("bindings") {
            reader.note("bindings", "must list at least one address, such as \"0.0.0.0:25\"")
        }
        var connector = ReceiveConnector(name: name, door: door, bindings: bindings)
        if door == .http { connector.limits = .http }
        if let preset = reader.choice("preset", ReceivePreset.self) {
            if door == .http { reader.note("preset", "has no meaning for http") }
            preset.apply(to: &connector)
        }
        readReach(reader, &connector)
        readTLS(reader, &connector)
        readRights(reader, &connector)
        if let limits = reader.object("limits", like: "{ messageSize: \"36MB\" }") {
            readLimits(limits, &connector.limits)
        }
        readDoorKeys(reader, &connector)
        connector.lane = reader.choice("lane", Lane.self)
        connector.rewrite = reader.value("rewriteSender", "an address") {
            (try? Mailbox(parsing: $0)).map { SenderRewrite(to: $0) }
        }
        reader.finish(knownTo: "a receive connector")
        receiveConnectors.append(connector)
    }

    private func readReach(_ reader: SettingsReader, _ connector: inout ReceiveConnector) {
        connector.isEnabled = reader.bool("enabled") ?? true
        let form = "an address, a CIDR block or a-b"
        connector.proxies = reader.values("proxies", form) { AddressRange($0) } ?? []
        let ranges = reader.values("remoteIPRanges", form) { AddressRange($0) }
        guard let ranges else { return }
        if ranges.isEmpty, !reader.isFaulty("remoteIPRanges") {
            reader.note("remoteIPRanges", "is empty; leave it out to serve every address")
        }
        let isEverything = ranges.contains(.allV4) && ranges.contains(.allV6)
        connector.remoteRanges = isEverything ? [] : ranges
    }

    private func readTLS(_ reader: SettingsReader, _ connector: inout ReceiveConnector) {
        guard let tls = reader.object("tls", like: "{ mode: \"offered\" }") else { return }
        connector.tls.mode = tls.choice("mode", TLSPolicy.Mode.self) ?? connector.tls.mode
        if connector.door == .http, [.offered, .required].contains(connector.tls.mode) {
            tls.note("mode", "must be \"none\" or \"implicit\" for http")
        }
        connector.tls.certificate = tls.string("certificate")
        if let name = connector.tls.certificate, !certificates.contains(where: { $0.name == name })
        {
            tls.note("certificate", "there is no certificate \"\(name)\" in certificates")
        }
        connector.tls.minimumVersion =
            tls.choice("minimumVersion", TLSPolicy.Version.self) ?? connector.tls.minimumVersion
        connector.tls.clientCAFile = tls.string("clientCAFile")
        for key in ["certificate", "minimumVersion", "clientCAFile"]
        where connector.tls.mode == .none && tls.isGiven(key) {
            tls.note(key, "has no meaning without TLS; set mode to \"offered\" or remove it")
        }
        tls.finish(knownTo: "tls")
    }

    private func readRights(_ reader: SettingsReader, _ connector: inout ReceiveConnector) {
        typealias Group = ReceiveConnector.PermissionGroup
        if let groups = reader.choices("permissionGroups", Group.self) {
            connector.permissionGroups = Set(groups)
        }
        let named = { (text: String) -> Rights? in
            Rights.names.first { $0.name == text }?.right
        }
        let forms = "one of " + Rights.names.map(\.name).joined(separator: ", ")
        let given = Rights(reader.values("rights", forms, named) ?? [])
        let taken = Rights(reader.values("withoutRights", forms, named) ?? [])
        connector.rights.formUnion(given)
        connector.rights.subtract(taken)
        for (name, right) in Rights.names where given.intersection(taken).contains(right) {
            reader.note("withoutRights", "takes away \(name), which rights gives; keep one of them")
        }
        connector.allowsOpenRelay = reader.bool("allowOpenRelay") ?? false
    }

    private func readLimits(_ reader: SettingsReader, _ limits: inout ReceiveLimits) {
        let count = 0...1_000_000
        limits.messageSize = reader.octets("messageSize") ?? limits.messageSize
        limits.headerSize = reader.octets("headerSize") ?? limits.headerSize
        limits.recipients = reader.integer("recipients", in: 1...100_000) ?? limits.recipients
        limits.messagesPerMinute =
            reader.integer("messagesPerMinute", in: 1...1_000_000) ?? limits.messagesPerMinute
        limits.connections = reader.integer("connections", in: 1...1_000_000) ?? limits.connections
        limits.connectionsPerSource =
            reader.integer("connectionsPerSource", in: 1...1_000_000)
            ?? limits.connectionsPerSource
        limits.inactivity = reader.duration("inactivity") ?? limits.inactivity
        limits.lifetime = reader.duration("lifetime") ?? limits.lifetime
        limits.protocolErrors = reader.integer("protocolErrors", in: count) ?? limits.protocolErrors
        limits.logonFailures = reader.integer("logonFailures", in: count) ?? limits.logonFailures
        limits.tarpit = reader.duration("tarpit") ?? limits.tarpit
        limits.hops = reader.integer("hops", in: 1...1000) ?? limits.hops
        if limits.tarpit > .seconds(15) {
            reader.note("tarpit", "must be at most \"15s\"; some devices give up after 20 s")
        }
        reader.finish(knownTo: "limits")
    }

    /// Keys that only one of the doors knows.
    private mutating func readDoorKeys(
        _ reader: SettingsReader,
        _ connector: inout ReceiveConnector
    ) {
        let smtpOnly = [
            "authentication", "allowPlaintextAuthentication", "banner", "fqdn", "suppressKeywords",
            "allowWithoutHello", "protocolLog",
        ]
        let httpOnly = ["dashboardRanges", "metricsRanges"]
        for key in connector.door == .http ? smtpOnly : httpOnly where reader.isGiven(key) {
            reader.note(key, "has no meaning for \(connector.door.rawValue)")
        }
        switch connector.door {
        case .http:
            let form = "an address, a CIDR block or a-b"
            var pages = Configuration.OpenPages()
            pages.metricsRanges =
                reader.values("metricsRanges", form) { AddressRange($0) } ?? pages.metricsRanges
            warn(reader.tolerate(["dashboardRanges"]), of: connector.name)
            openPages[connector.name] = pages
            _ = reader.tolerate(smtpOnly)
        case .smtp:
            connector.authentication =
                reader.choices("authentication", AuthenticationMechanism.self)
                ?? connector.authentication
            connector.allowsPlaintextAuthentication =
                reader.bool("allowPlaintextAuthentication") ?? false
            connector.banner = reader.value("banner", "one line of printable text") {
                $0.utf8.allSatisfy { $0 >= 32 && $0 != 127 } ? $0 : nil
            }
            connector.fqdn = reader.value("fqdn", "a host name such as \"relay.corp.example\"") {
                $0.utf8.allSatisfy { 33...126 ~= $0 } ? $0 : nil
            }
            let keywords = SMTPExtension.allCases.map(\.rawValue).joined(separator: ", ")
            let suppressed = reader.values("suppressKeywords", "one of \(keywords)") { word in
                SMTPExtension(rawValue: word.uppercased())
            }
            if let suppressed { connector.suppressedKeywords = Set(suppressed.map(\.rawValue)) }
            if connector.tls.mode == .required, connector.suppressedKeywords.contains("STARTTLS") {
                reader.note(
                    "suppressKeywords",
                    "hides STARTTLS, without which tls.mode \"required\" lets nobody send"
                )
            }
            connector.allowsMailWithoutHello =
                reader.bool("allowWithoutHello") ?? connector.allowsMailWithoutHello
            connector.keepsProtocolLog = reader.bool("protocolLog") ?? false
            _ = reader.tolerate(httpOnly)
        }
    }
}
