import Crypto
import Delivery
import Mail
import Policy
import Store
import Synchronization
import Wire

/// The house as a whole: what both doors, delivery and the commands share.
final class House: Sendable {
    let store: MailStore
    let directory: Directory
    let logons: Logons
    let desk: Desk
    /// Nil where only a command runs: then nothing is sent.
    let dispatcher: Dispatcher?
    let orders: QueueOrders
    let suppressions: SuppressionList
    let streams = StreamCount()
    /// Nil where only a command runs.
    let webhooks: WebhookDesk?
    let log: Log
    let metrics: Metrics
    private let queueGauge = QueueGauge()
    let clock: @Sendable () -> Timestamp
    let rates = RateLimiter()
    let census = ConnectionCensus()
    let sources: SourceInventory
    let protocolLog: ProtocolLog
    let idempotencyKeys = IdempotencyKeys()
    let waiting: Waiting
    let returnKey: ReturnKey
    private let live: LiveConfiguration
    private let draining = Atomic(false)

    init(
        _ configuration: Configuration,
        store: MailStore,
        log: Log,
        clock: @escaping @Sendable () -> Timestamp = { .now },
        dispatcher: Dispatcher? = nil,
        metrics: Metrics = Metrics(),
        waiting: Waiting? = nil,
        onDebt: @escaping @Sendable () -> Void = {},
        webhooks: ((Logons) -> WebhookDesk)? = nil
    ) {
        let live = LiveConfiguration(configuration)
        self.live = live
        self.store = store
        self.log = log
        self.clock = clock
        sources = SourceInventory(store)
        protocolLog = ProtocolLog(
            directory: "\(configuration.dataDirectory)/log",
            log: log,
            clock: clock
        )
        self.dispatcher = dispatcher
        returnKey = ReturnKey(directory: configuration.dataDirectory, log: log)
        directory = Directory(store: store) {
            dispatcher?.adopt($0.uncertainties)
            dispatcher?.adopt(escalating: $0.escalating)
        }
        orders = QueueOrders(store, dispatcher, clock: clock)
        logons = Logons(
            directory,
            dataDirectory: configuration.dataDirectory,
            metrics: metrics.logons
        )
        self.webhooks = webhooks?(logons)
        suppressions = SuppressionList(store)
        desk = Desk(
            store: store,
            dispatcher: dispatcher,
            suppressions: suppressions,
            onDebt: onDebt
        ) {
            live.value.rulebook
        }
        self.metrics = metrics
        self.waiting = waiting ?? Waiting(store)
    }

    var configuration: Configuration { live.value }

    /// Where reports about our mail come back to; nil where they go to its sender.
    var returnPath: ReturnPath? { returnKey.armed(configuration.delivery.returnPath) }

    func adopt(_ configuration: Configuration) {
        live.adopt(configuration)
        store.setLimits(
            storeFloor: configuration.storeFloor,
            queuedMessages: configuration.queuedMessages
        )
        log.adopt(level: configuration.logLevel, format: configuration.logFormat)
    }

    /// No new work is begun; what is begun is finished.
    var isDraining: Bool { draining.load(ordering: .relaxed) }

    func beginDraining() {
        draining.store(true, ordering: .relaxed)
    }

    func noteRefused(by connector: String, _ door: Metrics.Door) {
        metrics.countRefused(door)
        census.countRefused(by: connector)
    }

    func noteAccepted(_ receipts: [Receipt], _ door: Metrics.Door) {
        metrics.countAccepted(receipts.count, door)
        if let connector = receipts.first?.approval.connector {
            census.countAccepted(receipts.count, by: connector)
        }
        guard log.isOn(.info) else { return }
        for receipt in receipts {
            log.info(
                "accepted",
                [
                    "id": receipt.offer.id.description,
                    "connector": receipt.approval.connector,
                    "from": receipt.approval.sender.description,
                    "recipients": "\(receipt.approval.recipients.count)",
                    "octets": "\(receipt.offer.details.octets)",
                ]
            )
        }
    }
}

/// The configuration in force. A reload replaces it whole, so that nobody sees half of it.
private final class LiveConfiguration: Sendable {
    private let current: Mutex<Configuration>

    init(_ configuration: Configuration) {
        current = Mutex(configuration)
    }

    var value: Configuration { current.withLock { $0 } }

    func adopt(_ configuration: Configuration) {
        current.withLock { $0 = configuration }
    }
}

extension House {
    /// How a receive connector speaks to a client.
    func smtpOptions(
        for connector: ReceiveConnector,
        peer: IPAddress,
        isSecure: Bool,
        hasTLS: Bool
    ) -> SMTPServerOptions {
        let configuration = configuration
        var options = SMTPServerOptions(
            fqdn: connector.fqdn ?? configuration.hostname,
            peer: peer.description
        )
        options.banner = connector.banner
        // Who may pass the connector's limit is for the rules to say, once they know the client.
        options.messageSize = configuration.rulebook.largestMessage(
            at: connector,
            bypassingLimit: connector.rights.contains(.bypassMessageSizeLimit)
        )
        options.offersStartTLS = hasTLS && [.offered, .required].contains(connector.tls.mode)
        options.isSecure = isSecure
        options.requiresTLS = connector.tls.mode == .required
        options.authMechanisms = connector.authentication.map { mechanism in
            switch mechanism {
            case .plain: .plain
            case .login: .login
            case .cramMD5: .cramMD5
            }
        }
        options.allowsPlaintextAuthentication = connector.offersLogon(isSecure: false)
        options.challengeSeed = SecureRandom.next()
        options.suppressedKeywords = connector.suppressedKeywords
        options.allowsMailWithoutHello = connector.allowsMailWithoutHello
        options.defaultDomain = configuration.defaultDomain
        options.keepsHeard = connector.keepsProtocolLog
        options.maximumProtocolErrors = connector.limits.protocolErrors
        options.maximumLogonFailures = connector.limits.logonFailures
        return options
    }

    func metricsText() async -> String {
        var gauges: [PrometheusSeries] = []
        if let counts = try? await queueGauge.counts(in: store) {
            gauges.append(
                PrometheusSeries(
                    "postern_queue_recipients",
                    .gauge,
                    "Recipients waiting, by route, status and lane.",
                    counts
                )
            )
        }
        gauges.append(
            PrometheusSeries(
                "postern_store_healthy",
                .gauge,
                "1 while the store takes mail.",
                [.init([:], store.isHealthy ? 1 : 0)]
            )
        )
        return metrics.text(gauges)
    }
}

extension Configuration {
    /// Whom a recipient of RCPT means: bare names and names at our own address literal are aliases
    /// (contract section 9). Nil for a name that nobody has.
    func mailbox(
        for recipient: SMTPRecipient,
        at local: @autoclosure () -> String?
    ) -> Mailbox? {
        switch recipient {
        case .mailbox(let mailbox):
            guard mailbox.domain.hasPrefix("["), let local = local(),
                mailbox.domain == "[\(local)]" || mailbox.domain == "[IPv6:\(local)]"
            else { return mailbox }
            return named(mailbox.localPart) ?? mailbox
        case .name(let name):
            return named(name)
        }
    }

    private func named(_ name: String) -> Mailbox? {
        let key = name.lowercased()
        if let alias = aliases[key] { return alias }
        if key == "postmaster" { return postmaster }
        return defaultDomain.map { Mailbox(localPart: name, domain: $0) }
    }
}
