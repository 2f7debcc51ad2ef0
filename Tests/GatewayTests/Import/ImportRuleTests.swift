import Mail
import Policy
import Testing

@testable import Gateway

/// What each rule of Exchange becomes.
@Suite("Import, rule by rule")
struct ImportRuleTests {
    private func connector(_ members: [String: String], _ more: String...) throws
        -> ReceiveConnector
    {
        let made = try imported("[\(([receiveConnector(members)] + more).joined(separator: ","))]")
        let all = try made.loaded().rulebook.receiveConnectors.filter { $0.door == .smtp }
        return try #require(all.first)
    }

    typealias Mode = TLSPolicy.Mode
    static let security: [(String, tls: String, Mode, [AuthenticationMechanism], clear: Bool)] = [
        (#""None""#, "false", .none, [], false),
        (#""Tls""#, "false", .offered, [], false),
        ("1", "true", .required, [], false),
        (#""Tls, BasicAuth, BasicAuthRequireTLS""#, "false", .offered, [.login], false),
        (#""Tls, BasicAuth""#, "true", .required, [.login], true),
        ("4", "false", .none, [.login], true),
        (#""Tls, Integrated""#, "false", .offered, [.login], false),
        (#"["Tls", "BasicAuthRequireTLS", "BasicAuth"]"#, "false", .offered, [.login], false),
    ]

    @Test("AuthMechanism and RequireTLS", arguments: security)
    func logon(
        auth: String,
        tls: String,
        mode: Mode,
        mechanisms: [AuthenticationMechanism],
        clear: Bool
    ) throws {
        let made = try connector([
            "AuthMechanism": auth, "RequireTLS": tls,
            "PermissionGroups": #""AnonymousUsers, ExchangeUsers""#,
        ])
        #expect(made.tls.mode == mode)
        #expect(made.authentication == mechanisms)
        #expect(made.allowsPlaintextAuthentication == clear)
        #expect(made.permissionGroups == [.anonymous, .applications])
    }

    static let any = "Ms-Exch-SMTP-Accept-Any-Recipient"
    static let own = "ms-Exch-SMTP-Accept-Authoritative-Domain-Sender"
    static let granted: [([String], Rights)] = [
        ([], .anonymousGroup),
        ([any], [.acceptAnyRecipient, .acceptAnySender, .acceptAuthoritativeDomainSender]),
        (
            ["Ms-Exch-Bypass-Message-Size-Limit"],
            Rights.anonymousGroup.union(.bypassMessageSizeLimit)
        ),
        (["ms-Exch-SMTP-Submit", "ms-Exch-SMTP-Accept-Any-Sender"], [.acceptAnySender]),
        (["ms-Exch-SMTP-Submit", own], [.acceptAuthoritativeDomainSender]),
        (["ms-Exch-SMTP-Submit"], []),
    ]

    @Test("extended rights of the anonymous, a full list and a part of it", arguments: granted)
    func rights(names: [String], expected: Rights) throws {
        let list = names.map { "\"\($0)\"" }.joined(separator: ", ")
        let export =
            #"{"Identity": "EX1\\Relay", "User": {"RawIdentity": "S-1-5-7"}, "Deny": "False","#
            + #" "ExtendedRights": [\#(list)]}"#
        #expect(try connector([:], export).rights == expected)
    }

    @Test("a right that was denied is taken away")
    func denial() throws {
        let export = permissions(Self.own).replacing("false", with: "true")
        #expect(try connector([:], export).rights == [.acceptAnySender])
    }

    @Test("trust by range becomes the anonymous of that range, with its rights")
    func trust() throws {
        let made = try connector([
            "AuthMechanism": #""ExternalAuthoritative""#, "PermissionGroups": #""ExchangeServers""#,
        ])
        #expect(made.permissionGroups == [.anonymous])
        #expect(made.rights.isSuperset(of: [.acceptAnyRecipient, .bypassMessageSizeLimit]))
    }

    @Test("an open relay of Exchange is not carried over")
    func openRelay() throws {
        let ranges = #"["0.0.0.0-255.255.255.255"]"#
        let text = "[\(receiveConnector(["RemoteIPRanges": ranges])), \(permissions(Self.any))]"
        let made = try imported(text)
        let rules = try made.loaded().rulebook
        #expect(rules.receiveConnectors.allSatisfy { !$0.rights.contains(.acceptAnyRecipient) })
        #expect(
            made.report.lines.contains { $0.outcome == .skipped && $0.note.contains("open relay") }
        )
    }

    static let limits: [(String, String, key: String, Int?)] = [
        ("MaxMessageSize", #""10 MB (10,485,760 bytes)""#, "messageSize", 10_485_760),
        ("MaxHeaderSize", #"{"Value": "128 KB (131,072 bytes)"}"#, "headerSize", 131_072),
        ("MaxRecipientsPerMessage", "5000", "recipients", 5000),
        ("MaxInboundConnection", #""100""#, "connections", 100),
        ("MaxInboundConnectionPerSource", #""Unlimited""#, "connectionsPerSource", 1_000_000),
        (
            "MaxInboundConnectionPerSource", #"{"IsUnlimited": false, "Value": 7}"#,
            "connectionsPerSource", 7
        ),
        ("MaxProtocolErrors", #"{"IsUnlimited": true}"#, "protocolErrors", 0),
        ("MaxLogonFailures", "0", "logonFailures", 0),
        ("MaxHopCount", "60", "hops", 60),
        ("MessageRateLimit", #""30""#, "messagesPerMinute", 30),
        ("MessageRateLimit", #""Unlimited""#, "messagesPerMinute", nil),
        ("ConnectionTimeout", #""1.00:00:00""#, "lifetime", 86_400),
        ("ConnectionInactivityTimeout", #"{"Ticks": 600000000}"#, "inactivity", 60),
        ("TarpitInterval", #""00:00:30""#, "tarpit", 15),
    ]

    @Test(
        "what is unlimited there and bounded here is no exact match",
        arguments: [
            (
                "MaxInboundConnectionPerSource",
                "approximated limits.connectionsPerSource: 1000000"
            ),
            ("MaxProtocolErrors", "exact limits.protocolErrors: 0"),
        ]
    )
    func unlimited(name: String, outcome: String) throws {
        let made = try imported(receiveConnector([name: #""Unlimited""#]))
        #expect(made.outcomes(of: name) == [outcome])
    }

    @Test("limits", arguments: limits)
    func limit(name: String, value: String, key: String, expected: Int?) throws {
        #expect(try connector([name: value]).limits[key] == expected)
    }

    @Test("a rate by user is left to the application, with the words to set it")
    func rateByUser() throws {
        let made = try imported(
            receiveConnector(["MessageRateLimit": "5", "MessageRateSource": #""User""#])
        )
        #expect(made.outcomes(of: "MessageRateLimit") == ["approximated "])
        #expect(made.report.text.contains("app add --rate 5/min"))
    }

    @Test("words, keywords and the switch")
    func words() throws {
        let made = try connector([
            "Fqdn": #""Mail.Corp.Example""#, "Banner": #""220 hi""#, "ChunkingEnabled": "false",
            "SmtpUtf8Enabled": "false", "SizeEnabled": "0", "Enabled": "false",
            "ProtocolLoggingLevel": "1",
        ])
        #expect(made.keepsProtocolLog)
        #expect(made.fqdn == "mail.corp.example" && made.banner == "220 hi" && !made.isEnabled)
        #expect(made.suppressedKeywords == ["CHUNKING", "SMTPUTF8", "SIZE"])
    }

    static let ranges: [(String, String)] = [
        (#"["192.168.1.1/24"]"#, "192.168.1.0/24"),
        (#""10.0.0.1-10.0.0.5""#, "10.0.0.1-10.0.0.5"),
        (#"["192.168.1.0(255.255.255.0)"]"#, "192.168.1.0/24"),
        (#"["fe80::1%4"]"#, "fe80::1"),
        (
            #"[{"LowerBound": {"IPAddressToString": "10.0.0.7"}, "UpperBound": {"IPAddressToString": "10.0.0.9"}}]"#,
            "10.0.0.7-10.0.0.9"
        ),
        (#"{"value": ["10.0.0.7"], "Count": 1}"#, "10.0.0.7"),
    ]

    @Test("ranges in every form", arguments: ranges)
    func range(text: String, expected: String) throws {
        let made = try connector(["RemoteIPRanges": text])
        #expect(made.remoteRanges.map(\.description) == [expected])
    }

    static let malformed: [(String, String, String)] = [
        ("Bindings", #"["everywhere:25"]"#, "export.Bindings: holds \"everywhere:25\""),
        ("RemoteIPRanges", #"["10.0.0.0(255.0.255.0)"]"#, "export.RemoteIPRanges: holds"),
        (
            "RemoteIPRanges", #""System.Collections.ArrayList""#,
            "export.RemoteIPRanges: holds the name of a type"
        ),
        (
            "RemoteIPRanges", #"["10.0.0.7", "10.0.0.8..."]"#,
            "export.RemoteIPRanges: is cut off at \"10.0.0.8...\""
        ),
        ("RemoteIPRanges", #""10.0.0.7, 10.0.0.8, ...""#, "export.RemoteIPRanges: is cut off"),
        ("Bindings", #""{0.0.0.0:25, [::]:25\u2026}""#, "export.Bindings: is cut off"),
        ("AuthMechanism", #""Tls, Magic""#, "export.AuthMechanism: must be some of"),
        ("AuthMechanism", "64", "export.AuthMechanism: must be some of"),
        ("MaxMessageSize", #""large""#, "export.MaxMessageSize: must be a size"),
        (
            "MaxMessageSize", #"{"IsUnlimited": false, "Value": {}}"#,
            "export.MaxMessageSize: must be a size such as 36 MB (37,748,736 bytes), not an object"
        ),
        ("ConnectionTimeout", #""soon""#, "export.ConnectionTimeout: must be a time span"),
        ("RequireTLS", #""perhaps""#, "export.RequireTLS: must be True or False"),
        ("SizeEnabled", "9", "export.SizeEnabled: must be one of"),
    ]

    @Test("a malformed value is named with its place", arguments: malformed)
    func refusal(name: String, value: String, expected: String) throws {
        let error = #expect(throws: ImportFailure.self) {
            try imported(receiveConnector([name: value]))
        }
        let text = try #require(error).description
        #expect(text.hasPrefix(expected), "\(text)")
    }

    static let serverOnly: [[String: String]] = [
        ["Bindings": #"["0.0.0.0:717"]"#, "PermissionGroups": #""ExchangeServers""#],
        ["Bindings": #"["0.0.0.0:2525"]"#, "TransportRole": "32"],
        ["Bindings": #"["0.0.0.0:465"]"#, "TransportRole": #""HubTransport""#],
        [
            "PermissionGroups": #""ExchangeServers, ExchangeLegacyServers""#,
            "AuthMechanism": #""Tls""#,
        ],
    ]

    @Test("what serves only Exchange servers is reported and not imported", arguments: serverOnly)
    func servers(members: [String: String]) throws {
        let made = try imported(receiveConnector(members))
        #expect(made.outcomes(of: "Name") == ["skipped "])
        #expect(made.report.lines.count == 1, "of what stays behind nothing is exact")
        #expect(!made.configuration.contains("Relay"))
    }

    @Test("without a certificate nothing that needs one is on, and the file is still sound")
    func noCertificate() throws {
        let text =
            "[" + receiveConnector([:]) + ","
            + receiveConnector([
                "Name": #""Submission""#, "Bindings": #"["0.0.0.0:587"]"#, "RequireTLS": "true",
            ]) + "]"
        let rules = try imported(text, ImportOptions()).loaded().rulebook
        let smtp = rules.receiveConnectors.filter { $0.door == .smtp }
        #expect(smtp.map(\.isEnabled) == [true, false])
        #expect(smtp.map(\.tls.mode) == [.none, .required])
    }

    @Test("a second server's twin is written once; one that differs is written switched off")
    func twins() throws {
        let twin = receiveConnector(["Identity": #""EX2\\Relay""#, "Fqdn": #""ex2.corp.example""#])
        let other = receiveConnector([
            "Identity": #""EX3\\Relay""#, "MaxRecipientsPerMessage": "7",
        ])
        let made = try imported("[\(receiveConnector([:])), \(twin), \(other)]")
        let smtp = try made.loaded().rulebook.receiveConnectors.filter { $0.door == .smtp }
        #expect(smtp.map(\.isEnabled) == [true, false])
        #expect(smtp[1].limits.recipients == 7 && smtp[1].name != smtp[0].name)
    }

    @Test("a property this import does not know is not passed over in silence")
    func unknown() throws {
        let made = try imported(receiveConnector(["Teleport": "true"]))
        #expect(made.outcomes(of: "Teleport") == ["none "])
    }
}

extension ReceiveLimits {
    /// By the names of the file; durations in seconds.
    fileprivate subscript(key: String) -> Int? {
        let counts: [String: Int?] = [
            "messageSize": messageSize, "headerSize": headerSize, "recipients": recipients,
            "connections": connections, "connectionsPerSource": connectionsPerSource,
            "protocolErrors": protocolErrors, "logonFailures": logonFailures, "hops": hops,
            "messagesPerMinute": messagesPerMinute,
        ]
        let spans = ["lifetime": lifetime, "inactivity": inactivity, "tarpit": tarpit]
        return spans[key].map { Int($0.components.seconds) } ?? counts[key] ?? nil
    }
}
