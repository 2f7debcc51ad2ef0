import Delivery
import Mail
import Policy
import Testing

@testable import Gateway

/// Contract section 3.
@Suite("The configuration")
struct ConfigurationTests {
    static let files = ["c.pem": "…", "k.pem": "…", "secret": "s3cret"]

    /// The contract's example, without the keys that this version names as not supported.
    static let example = """
        {
          hostname: "relay.corp.example",
          dataDirectory: "/var/lib/postern",
          log: { level: "info", format: "text" },                       // or "json"
          certificates: [{ name: "default", certificateFile: "c.pem", keyFile: "k.pem" }],
          receiveConnectors: [
            { name: "HTTP API", protocol: "http", bindings: ["127.0.0.1:8025"], tls: { mode: "none" }, permissionGroups: ["applications"] },
            { name: "Default Frontend", protocol: "smtp", bindings: ["0.0.0.0:25", "[::]:25"], remoteIPRanges: ["0.0.0.0/0", "::/0"],
              tls: { mode: "offered" }, permissionGroups: ["anonymous"] },
            { name: "Client Frontend", protocol: "smtp", bindings: ["0.0.0.0:587"], tls: { mode: "required" },
              authentication: ["plain", "login"], permissionGroups: ["applications"] },
            { name: "Printers", protocol: "smtp", bindings: ["0.0.0.0:25"], remoteIPRanges: ["10.1.20.0/24", "10.1.30.7", "10.1.31.5-10.1.31.9"],
              permissionGroups: ["anonymous"], rights: ["acceptAnyRecipient"], tls: { mode: "none" }, preset: "legacy-device" },
          ],
          acceptedDomains: [{ domain: "corp.example", type: "internalRelay" }, { domain: "*.lab.example", type: "authoritative" }],
          sendConnectors: [
            { name: "Exchange", addressSpaces: ["corp.example", "*.lab.example"], smartHosts: ["exch1.corp.example:25", "exch2.corp.example:25"],
              tls: "opportunistic" },
            { name: "Microsoft 365", addressSpaces: ["*"], cost: 10, preset: "m365-submission", smartHosts: ["smtp.office365.com:587"], tls: "verified",
              authentication: { mechanism: "plain", username: "relay@corp.example", passwordFile: "secret" } },
            { name: "Internet", addressSpaces: ["*"], cost: 20, delivery: "mx" },
          ],
          delivery: { retry: ["1m*4", "5m*6", "10m"], delayNotice: "4h", expireAfter: "2d", notifySender: true, uncertain: "retry", uncertainWait: "10m" },
          suppression: { hardBounces: 3, within: "1d", for: "30d" },
          retention: { content: "7d", history: "90d" },
          alerts: { groupWait: "30s", groupInterval: "5m", repeatInterval: "4h", stormMails: 20, stormWindow: "10m" },   // an application may override each
          limits: { storeFloor: "1GB", queuedMessages: 1000000 },
        }
        """

    @Test("the contract's example is read as it is meant")
    func example() throws {
        let configuration = try readConfiguration(Self.example, secrets: Self.files)
        #expect(configuration.hostname == "relay.corp.example")
        #expect(configuration.logLevel == .info && configuration.logFormat == .text)
        #expect(configuration.storeFloor == 1 << 30 && configuration.queuedMessages == 1_000_000)
        #expect(configuration.retention.content == .seconds(604_800))
        #expect(configuration.delivery.uncertainWait == .seconds(600))
        #expect(configuration.postmaster.description == "postmaster@corp.example")
        let book = configuration.rulebook
        #expect(
            book.receiveConnectors.map(\.name) == [
                "HTTP API", "Default Frontend", "Client Frontend", "Printers",
            ]
        )
        #expect(book.receiveConnectors[0].door == .http && book.receiveConnectors[1].door == .smtp)
        #expect(book.acceptedDomains.map(\.kind) == [.internalRelay, .authoritative])
        #expect(book.sendConnectors.map(\.cost) == [1, 10, 20])
        #expect(
            configuration.routes[0].hop
                == .smartHosts(
                    ["exch1.corp.example", "exch2.corp.example"].map {
                        HostPort(host: $0, port: 25)
                    }
                )
        )
        #expect(configuration.routes[1].credentials?.username == "relay@corp.example")
        #expect(configuration.routes[1].security == .verified)
        #expect(configuration.routes[2].hop == .mailExchangers)
        // The doors of the example, as a client finds them.
        let found = { (local: String, port: Int, peer: String) in
            IPAddress(local).flatMap { local in
                IPAddress(peer).flatMap { book.connector(at: local, port: port, for: $0)?.name }
            }
        }
        #expect(found("192.0.2.1", 25, "10.1.31.6") == "Printers")
        #expect(found("192.0.2.1", 25, "10.1.31.10") == "Default Frontend")
        #expect(found("192.0.2.1", 587, "10.1.31.6") == "Client Frontend")
        #expect(found("127.0.0.1", 8025, "127.0.0.1") == "HTTP API")
        #expect(configuration.audit.contains { $0.code == "spoofable_domains" })
        #expect(!configuration.audit.contains { $0.severity == .refused })
    }

    @Test("what the file leaves out has the contract's defaults")
    func defaults() throws {
        let configuration = try readConfiguration(configurationFile())
        #expect(configuration.dataDirectory == "/var/lib/postern")
        #expect(configuration.queuedMessages == 2_000_000)
        #expect(configuration.delivery.expireAfter == .seconds(172_800))
        #expect(configuration.delivery.uncertain == .retry)
        let connector = try #require(configuration.rulebook.receiveConnectors.first)
        #expect(connector.isEnabled && connector.servesEveryone && connector.door == .smtp)
        #expect(connector.limits == ReceiveLimits() && connector.rights == .anonymousGroup)
        let limits = configuration.routes[0].limits
        #expect(limits.connections == 20 && limits.messagesPerConnection == 100)
        #expect(
            limits.recipientsPerMessage == 100 && configuration.routes[0].security == .opportunistic
        )
    }

    @Test("a connector of old devices may speak old TLS, ask for certificates and take CRAM-MD5")
    func oldDevices() throws {
        let configuration = try readConfiguration(
            configurationFile(
                connector: """
                    remoteIPRanges: ["10.1.20.0/24"], authentication: ["plain", "cram-md5"],
                    tls: { mode: "implicit", minimumVersion: "1.0", clientCAFile: "/etc/ca.pem" },
                    """
            )
        )
        let connector = try #require(configuration.rulebook.receiveConnectors.first)
        #expect(connector.tls.mode == .implicit && connector.tls.minimumVersion == .v10)
        #expect(connector.tls.clientCAFile == "/etc/ca.pem")
        #expect(connector.authentication == [.plain, .cramMD5])
        #expect(configuration.audit.map(\.code) == ["old_tls"])
    }

    @Test("the keys of a connector do what they say")
    func connectorKeys() throws {
        let connector = try #require(
            try readConfiguration(
                configurationFile(
                    connector: """
                        enabled: false, remoteIPRanges: ["10.1.20.0/24"], tls: { mode: "offered", minimumVersion: "1.3" },
                        authentication: ["login"], allowPlaintextAuthentication: true,
                        permissionGroups: ["applications", "anonymous"], rights: ["acceptAnyRecipient", "bypassMessageSizeLimit"],
                        withoutRights: ["acceptAnySender"], banner: "220 hi", fqdn: "mx.corp.example",
                        suppressKeywords: ["chunking"], allowWithoutHello: true, allowOpenRelay: true,
                        limits: { messageSize: "1MB", headerSize: "2KB", recipients: 3, messagesPerMinute: 4, connections: 5,
                          connectionsPerSource: 6, inactivity: "7s", lifetime: "8m", protocolErrors: 9, logonFailures: 0, tarpit: "0s", hops: 12 },
                        """
                )
            ).rulebook.receiveConnectors.first
        )
        #expect(
            !connector.isEnabled && connector.remoteRanges.map(\.description) == ["10.1.20.0/24"]
        )
        #expect(connector.tls.mode == .offered && connector.tls.minimumVersion == .v13)
        #expect(connector.authentication == [.login] && connector.allowsPlaintextAuthentication)
        #expect(connector.permissionGroups == [.applications, .anonymous])
        #expect(
            connector.rights == [
                .acceptAnyRecipient, .bypassMessageSizeLimit, .acceptAuthoritativeDomainSender,
            ]
        )
        #expect(connector.banner == "220 hi" && connector.fqdn == "mx.corp.example")
        #expect(connector.suppressedKeywords == ["CHUNKING"] && connector.allowsMailWithoutHello)
        #expect(connector.allowsOpenRelay)
        let limits = connector.limits
        #expect(
            limits.messageSize == 1 << 20 && limits.headerSize == 2048 && limits.recipients == 3
        )
        #expect(limits.messagesPerMinute == 4 && limits.connections == 5)
        #expect(limits.connectionsPerSource == 6 && limits.hops == 12)
        #expect(limits.inactivity == .seconds(7) && limits.lifetime == .seconds(480))
        #expect(limits.protocolErrors == 9 && limits.logonFailures == 0 && limits.tarpit == .zero)
    }

    @Test("a secret is in a file of its own; the configuration never shows it")
    func secrets() throws {
        let send = #"authentication: { mechanism: "login", username: "u", passwordFile: "pw" },"#
        let route = try readConfiguration(configurationFile(send: send), secrets: ["pw": "s3cret"])
            .routes[0]
        #expect(
            route.credentials == Credentials(mechanism: .login, username: "u", password: "s3cret")
        )
        #expect(!"\(String(describing: route.credentials))".contains("s3cret"))
        let missing = configurationProblems(configurationFile(send: send))
        #expect(
            missing.count == 1
                && missing[0].contains("authentication.passwordFile: pw cannot be read")
        )
        let inline = configurationProblems(
            configurationFile(
                send: #"authentication: { mechanism: "login", username: "u", password: "x" },"#
            )
        )
        #expect(inline.contains { $0.contains("password: must not stand in this file") })
        #expect(!inline.contains { $0.contains("unknown key") })
    }

    @Test("aliases, postmaster and default domain")
    func names() throws {
        let configuration = try readConfiguration(
            configurationFile(
                """
                aliases: { Root: "it@corp.example" }, postmaster: "pm@corp.example",
                defaultDomain: "Corp.Example",
                """
            )
        )
        #expect(configuration.aliases["root"]?.description == "it@corp.example")
        #expect(configuration.postmaster.description == "pm@corp.example")
        #expect(configuration.defaultDomain == "corp.example")
    }
}
