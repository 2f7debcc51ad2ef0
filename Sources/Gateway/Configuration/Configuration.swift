import Delivery
import Mail
import Policy
import Store
import Wire

/// The configuration as loaded: checked, complete and immutable. A reload makes another one.
final class Configuration: Sendable {
    struct Certificate: Sendable {
        let name: String
        let certificateFile: String
        let keyFile: String
    }

    struct Retention: Sendable {
        var content: Duration = .seconds(7 * 86_400)
        var history: Duration = .seconds(90 * 86_400)

        /// What is older may go; with a span of zero nothing ever does.
        static func limit(of span: Duration, at now: Timestamp) -> Timestamp {
            span > .zero ? now - span : Timestamp(milliseconds: 0)
        }
    }

    /// Who may open pages that need no key, by connector.
    struct OpenPages: Sendable {
        var metricsRanges = Configuration.nearby
    }

    let file: String
    let hostname: String
    let dataDirectory: String
    let logLevel: Log.Level
    let logFormat: Log.Format
    let certificates: [Certificate]
    let rulebook: Rulebook
    let routes: [Route]
    let delivery: DeliverySettings
    let retention: Retention
    /// Nil: only administrators suppress addresses.
    let suppression: SuppressionPolicy?
    let storeFloor: Int
    let queuedMessages: Int
    let defaultDomain: String?
    let aliases: [String: Mailbox]
    let postmaster: Mailbox
    let openPages: [String: OpenPages]
    /// What is accepted but deserves a word.
    let warnings: [AuditFinding]

    /// Loopback and private addresses.
    static let nearby = [
        "127.0.0.0/8", "::1", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10",
        "fc00::/7", "fe80::/10",
    ].compactMap { AddressRange($0) }

    init(_ draft: ConfigurationDraft) {
        file = draft.file
        hostname = draft.hostname
        dataDirectory = draft.dataDirectory
        logLevel = draft.logLevel
        logFormat = draft.logFormat
        certificates = draft.certificates
        rulebook = Rulebook(
            receiveConnectors: draft.receiveConnectors,
            acceptedDomains: draft.acceptedDomains,
            sendConnectors: draft.sendConnectors
        )
        routes = draft.routes
        delivery = draft.delivery
        retention = draft.retention
        suppression = draft.suppression
        storeFloor = draft.storeFloor
        queuedMessages = draft.queuedMessages
        defaultDomain = draft.defaultDomain
        aliases = draft.aliases
        postmaster = draft.postmaster ?? draft.defaultPostmaster
        openPages = draft.openPages
        warnings = draft.warnings
    }

    /// Everything the audit finds in the file itself.
    var audit: [AuditFinding] { rulebook.audit + warnings }

    func metricsRanges(of connector: ReceiveConnector?) -> [AddressRange] {
        guard let connector else { return Self.nearby }
        return openPages[connector.name]?.metricsRanges ?? Self.nearby
    }

    func certificate(for connector: ReceiveConnector) -> Certificate? {
        guard let name = connector.tls.certificate else { return certificates.first }
        return certificates.first { $0.name == name }
    }
}

/// The configuration while it is read.
struct ConfigurationDraft {
    var file: String
    var hostname = ""
    var dataDirectory = "/var/lib/postern"
    var logLevel = Log.Level.info
    var logFormat = Log.Format.text
    var certificates: [Configuration.Certificate] = []
    var receiveConnectors: [ReceiveConnector] = []
    var acceptedDomains: [AcceptedDomain] = []
    var sendConnectors: [SendConnector] = []
    var routes: [Route] = []
    var nameServers: NameServers?
    var delivery = DeliverySettings()
    var retention = Configuration.Retention()
    var suppression: SuppressionPolicy?
    var storeFloor = 1 << 30
    var queuedMessages = 2_000_000
    var defaultDomain: String?
    var aliases: [String: Mailbox] = [:]
    var postmaster: Mailbox?
    var openPages: [String: Configuration.OpenPages] = [:]
    var warnings: [AuditFinding] = []
}

extension ConfigurationDraft {
    /// At the first accepted domain, where somebody reads it; at the server's own name without one.
    fileprivate var defaultPostmaster: Mailbox {
        let domain =
            switch acceptedDomains.first?.domain {
            case .exactly(let name), .below(let name): name
            case .any, nil: hostname
            }
        return Mailbox(localPart: "postmaster", domain: domain)
    }
}
