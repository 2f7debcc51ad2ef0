import Delivery
import Mail
import Policy
import Wire

/// Reads the JSON5 file of contract section 3.
enum ConfigurationReader {
    /// The configuration in `text`, or every problem in it.
    static func read(
        _ text: String,
        file: String,
        readSecret: (String) -> String?
    ) throws(ConfigurationError) -> Configuration {
        let report = ProblemReport(file: file)
        let root: JSON5Node
        do throws(JSON5Error) {
            root = try JSON5.parse(text)
        } catch {
            report.note(
                "",
                line: error.line,
                "column \(error.column): \(error.reason); \(error.cure)"
            )
            throw ConfigurationError(problems: report.problems)
        }
        guard case .object(let members) = root.value else {
            report.note("", line: root.line, "the file must hold one object { … }")
            throw ConfigurationError(problems: report.problems)
        }
        let reader = SettingsReader(members, path: "", line: 1, report: report)
        var draft = ConfigurationDraft(file: file)
        draft.read(reader, readSecret)
        let configuration = Configuration(draft)
        configuration.check(into: report)
        guard report.problems.isEmpty else {
            throw ConfigurationError(problems: report.problems)
        }
        return configuration
    }

    /// Where its server is, though anything else in the file be wrong: a running one goes on with what
    /// it read before.
    static func place(in text: String) -> ServerPlace? {
        guard case .object(let members)? = (try? JSON5.parse(text))?.value else { return nil }
        let report = ProblemReport(file: "")
        var draft = ConfigurationDraft(file: "")
        draft.readPlace(SettingsReader(members, path: "", line: 1, report: report))
        guard report.problems.isEmpty else { return nil }
        return ServerPlace(hostname: draft.hostname, dataDirectory: draft.dataDirectory)
    }
}

/// What a command must know of a server to speak to it.
struct ServerPlace {
    let hostname: String
    let dataDirectory: String
}

extension ConfigurationDraft {
    fileprivate mutating func read(_ file: SettingsReader, _ readSecret: (String) -> String?) {
        readIdentity(file)
        certificates = file.objects(
            "certificates",
            like: "{ name: \"default\", certificateFile: \"cert.pem\", keyFile: \"key.pem\" }"
        ).compactMap { readCertificate($0, readSecret) }
        let connectors = file.objects(
            "receiveConnectors",
            like: "{ name: \"API\", protocol: \"http\", bindings: [\"127.0.0.1:8025\"] }"
        )
        for (index, reader) in connectors.enumerated() {
            readReceiveConnector(reader, index: index)
        }
        if receiveConnectors.isEmpty {
            file.note("receiveConnectors", "is missing or empty; without one nobody can submit")
        }
        for reader in file.objects("acceptedDomains", like: "{ domain: \"corp.example\" }") {
            readAcceptedDomain(reader)
        }
        nameServers = readNameServers(of: file)
        let routes = file.objects(
            "sendConnectors",
            like: "{ name: \"Next\", addressSpaces: [\"*\"], smartHosts: [\"mail.corp.example\"] }"
        )
        for reader in routes { readSendConnector(reader, readSecret) }
        if let reader = file.object("delivery", like: "{ expireAfter: \"2d\" }") {
            readDelivery(reader)
        }
        if let reader = file.object("retention", like: "{ content: \"7d\", history: \"90d\" }") {
            retention.content = reader.duration("content") ?? retention.content
            retention.history = reader.duration("history") ?? retention.history
            reader.finish(knownTo: "retention")
        }
        if let reader = file.object("limits", like: "{ storeFloor: \"1GB\" }") {
            storeFloor = reader.octets("storeFloor") ?? storeFloor
            queuedMessages = reader.integer("queuedMessages", in: 1...Int.max) ?? queuedMessages
            reader.finish(knownTo: "limits")
        }
        suppression = file.object("suppression", like: "{ hardBounces: 3 }").flatMap {
            readSuppression($0)
        }
        warn(file.tolerate(["alerts"]), of: "configuration")
        file.finish(knownTo: "the configuration")
    }

    mutating func warn(_ keys: [String], of subject: String) {
        for key in keys {
            warnings.append(
                AuditFinding(
                    .warning,
                    "no_effect",
                    of: subject,
                    "\(key) has no effect in this version of Postern"
                )
            )
        }
    }

    fileprivate mutating func readPlace(_ file: SettingsReader) {
        if let name = file.string("hostname") {
            if let domain = try? Mailbox.domain(parsing: name), !domain.hasPrefix("[") {
                hostname = domain
            } else {
                file.note("hostname", "must be a domain name such as \"relay.corp.example\"")
            }
        } else {
            file.note("hostname", "is missing; give this server's name, \"relay.corp.example\"")
        }
        dataDirectory = file.string("dataDirectory") ?? dataDirectory
    }

    private mutating func readIdentity(_ file: SettingsReader) {
        readPlace(file)
        if let log = file.object("log", like: "{ level: \"info\" }") {
            logLevel = log.choice("level", Log.Level.self) ?? logLevel
            logFormat = log.choice("format", Log.Format.self) ?? logFormat
            log.finish(knownTo: "log")
        }
        defaultDomain = file.value("defaultDomain", "a domain") { try? Mailbox.domain(parsing: $0) }
        postmaster = file.value("postmaster", "an address") { try? Mailbox(parsing: $0) }
        for (name, address) in file.entries("aliases", like: "{ root: \"it@corp.example\" }") {
            if let mailbox = try? Mailbox(parsing: address) {
                aliases[name.lowercased()] = mailbox
            } else {
                file.note("aliases", "\(name) must be an address, not \"\(address)\"")
            }
        }
    }

    private func readCertificate(
        _ reader: SettingsReader,
        _ readSecret: (String) -> String?
    ) -> Configuration.Certificate? {
        let name = reader.string("name")
        let certificate = reader.string("certificateFile")
        let key = reader.string("keyFile")
        reader.finish(knownTo: "a certificate")
        guard let name, let certificate, let key else {
            reader.note("", "a certificate needs name, certificateFile and keyFile")
            return nil
        }
        for (place, path) in [("certificateFile", certificate), ("keyFile", key)]
        where readSecret(path) == nil {
            reader.note(place, "\(path) cannot be read")
        }
        return Configuration.Certificate(name: name, certificateFile: certificate, keyFile: key)
    }

    private mutating func readAcceptedDomain(_ reader: SettingsReader) {
        let domain = reader.value("domain", "a domain or *.domain") { text -> DomainPattern? in
            let pattern = DomainPattern(text)
            return pattern == .any ? nil : pattern
        }
        let kind = reader.choice("type", AcceptedDomain.Kind.self) ?? .authoritative
        if !reader.isGiven("domain") { reader.note("domain", "is missing") }
        reader.finish(knownTo: "an accepted domain")
        guard let domain else { return }
        if acceptedDomains.contains(where: { $0.domain == domain }) {
            reader.note("domain", "\(domain) is listed twice")
        }
        acceptedDomains.append(AcceptedDomain(domain: domain, kind: kind))
    }

    private mutating func readDelivery(_ reader: SettingsReader) {
        if let steps = reader.strings("retry") {
            for (index, step) in steps.enumerated() {
                if case .failure(let error) = RetrySchedule.parse([step]) {
                    reader.note("retry[\(index)]", error.reason)
                }
            }
            if case .success(let schedule) = RetrySchedule.parse(steps) {
                delivery.retry = schedule
            }
        }
        delivery.expireAfter = reader.duration("expireAfter") ?? delivery.expireAfter
        delivery.uncertain =
            reader.choice("uncertain", DeliverySettings.Uncertainty.self) ?? delivery.uncertain
        delivery.uncertainWait = reader.duration("uncertainWait") ?? delivery.uncertainWait
        delivery.notifySender = reader.bool("notifySender") ?? delivery.notifySender
        delivery.delayNotice = reader.duration("delayNotice") ?? delivery.delayNotice
        readReturnPath(reader)
        reader.finish(knownTo: "delivery")
    }
}

extension ConfigurationDraft {
    fileprivate mutating func readReturnPath(_ reader: SettingsReader) {
        guard let pattern = reader.string("returnPath") else { return }
        do throws(AddressError) {
            let path = try ReturnPath(pattern: pattern)
            if acceptedDomains.contains(where: { $0.domain.matches(path.domain) }) {
                delivery.returnPath = path
            } else {
                reader.note(
                    "returnPath",
                    "\(path.domain) is no accepted domain, so reports could not come in; list it in"
                        + " acceptedDomains"
                )
            }
        } catch {
            reader.note("returnPath", "\"\(pattern)\" cannot be used: \(error.reason)")
        }
    }
}

extension Configuration {
    /// What only shows when all parts are seen together.
    fileprivate func check(into report: ProblemReport) {
        checkNames(report)
        // Ranges that could not be read would seem to be everything.
        let isWhole = !report.problems.contains { $0.keyPath.hasPrefix("receiveConnectors[") }
        for conflict in isWhole ? rulebook.conflicts : [] {
            report.note(
                "receiveConnectors",
                line: nil,
                "\"\(conflict.first)\" and \"\(conflict.second)\" on \(conflict.binding):"
                    + " \(conflict.text)"
            )
        }
        for finding in rulebook.audit where finding.severity == .refused {
            report.note("receiveConnectors", line: nil, "\"\(finding.subject)\" \(finding.text)")
        }
        for connector in rulebook.receiveConnectors where connector.isEnabled {
            checkTLS(connector, report)
        }
    }

    private func checkNames(_ report: ProblemReport) {
        let groups: [(String, [String])] = [
            ("receiveConnectors", rulebook.receiveConnectors.map(\.name)),
            ("sendConnectors", rulebook.sendConnectors.map(\.name)),
            ("certificates", certificates.map(\.name)),
        ]
        for (place, names) in groups {
            var seen: Set<String> = []
            for name in names where !seen.insert(name).inserted {
                report.note(place, line: nil, "the name \"\(name)\" is given twice")
            }
        }
    }

    private func checkTLS(_ connector: ReceiveConnector, _ report: ProblemReport) {
        guard connector.tls.mode != .none else { return }
        let isLoopback = connector.bindings.allSatisfy(\.isLoopback)
        if certificates.isEmpty, !isLoopback {
            report.note(
                "receiveConnectors",
                line: nil,
                "\"\(connector.name)\" needs a certificate: list one in certificates, or set"
                    + " tls: { mode: \"none\" } (a self-signed one is made for loopback only)"
            )
        }
    }
}

extension RetrySchedule {
    fileprivate static func parse(_ steps: [String]) -> Result<RetrySchedule, RetryScheduleError> {
        Result { () throws(RetryScheduleError) in try RetrySchedule(parsing: steps) }
    }
}
