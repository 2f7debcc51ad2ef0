import Delivery
import Mail
import Policy
import Testing

@testable import Gateway

@Suite("Import of send connectors and accepted domains")
struct RouteImportTests {
    private let door = receiveConnector([:])

    private func load(_ objects: String...) throws -> Configuration {
        try imported("[\(([door] + objects).joined(separator: ","))]").loaded()
    }

    static let security: [([String: String], Route.Security)] = [
        ([:], .opportunistic), (["RequireTLS": "true"], .required),
        (["RequireTLS": "true", "TlsAuthLevel": "1"], .required),
        (["RequireTLS": "true", "TlsAuthLevel": #""CertificateValidation""#], .verified),
        (["RequireTLS": "true", "TlsAuthLevel": "4", "TlsDomain": #""x.example""#], .verified),
        (["IgnoreSTARTTLS": "true"], .none),
    ]

    @Test("levels of TLS", arguments: security)
    func levels(members: [String: String], expected: Route.Security) throws {
        let made = try load(sendConnector(members))
        #expect(made.routes.map(\.security) == [expected])
    }

    @Test("address spaces: their domains, their costs, one connector for each cost")
    func spaces() throws {
        let forms = [
            #"["SMTP:*.a.example;5", "b.example", "smtp:*;20"]"#,
            #"[{"Type": "SMTP", "Address": "*.a.example", "Cost": 5}, {"Type": "SMTP", "Address": "b.example", "Cost": 1}, {"Type": "SMTP", "Address": "*", "Cost": 20}]"#,
            #""SMTP:*.a.example;5 SMTP:b.example;1,SMTP:*;20""#,
        ]
        for form in forms {
            let made = try load(sendConnector(["AddressSpaces": form])).rulebook.sendConnectors
            #expect(made.map(\.cost) == [1, 5, 20])
            #expect(
                made.map(\.addressSpaces.description) == ["[b.example]", "[*.a.example]", "[*]"]
            )
        }
    }

    @Test("smart hosts with the connector's port, in order")
    func hosts() throws {
        let made = try load(
            sendConnector([
                "DNSRoutingEnabled": "false", "Port": "587",
                "SmartHosts": #"["gate.example", "[192.0.2.7]", "[2001:db8::7]"]"#,
                "SourceIPAddress": #""192.0.2.9""#, "Fqdn": #""out.corp.example""#,
                "MaxMessageSize": #""10 MB (10,485,760 bytes)""#,
                "SmtpMaxMessagesPerConnection": "20",
            ])
        )
        let route = try #require(made.routes.first)
        guard case .smartHosts(let hosts) = route.hop else {
            Issue.record("no smart hosts")
            return
        }
        #expect(hosts.map(\.host) == ["gate.example", "192.0.2.7", "2001:db8::7"])
        #expect(hosts.allSatisfy { $0.port == 587 })
        #expect(route.sourceAddress == "192.0.2.9" && route.helloName == "out.corp.example")
        #expect(route.limits.messageSize == 10_485_760 && route.limits.messagesPerConnection == 20)
    }

    private static let edge = sendConnector([
        "Name": #""EdgeSync - Inbound to Site""#, "AddressSpaces": #"["SMTP:--;1"]"#,
        "DNSRoutingEnabled": "false", "SmartHosts": #"["--"]"#,
    ])
    private static let accepted = #"""
        {"DomainName": "a.example", "DomainType": "Authoritative"},
        {"DomainName": "b.example", "DomainType": "InternalRelay"},
        {"DomainName": "c.example", "DomainType": "ExternalRelay"}
        """#

    @Test("what an Edge Subscription makes: its dashes stand for our domains and mailbox servers")
    func edgeSubscription() throws {
        var options = Exports.certificate
        options.mailboxServer = "mbx.corp.example:25"
        let made = try imported("[\(door), \(Self.edge), \(Self.accepted)]", options).loaded()
        let route = try #require(made.rulebook.sendConnectors.first)
        #expect(route.addressSpaces.map(\.description) == ["a.example", "b.example"])
        #expect(made.rulebook.sendConnectors.count == 1)
        guard case .smartHosts(let hosts)? = made.routes.first?.hop else {
            Issue.record("no smart hosts")
            return
        }
        #expect(hosts.map(\.description) == ["mbx.corp.example:25"])
    }

    @Test("dashes that stand for nothing leave the connector out, and the report says why")
    func edgeAlone() throws {
        let homeless = try imported("[\(door), \(Self.edge), \(Self.accepted)]")
        #expect(try homeless.loaded().routes.isEmpty)
        #expect(homeless.report.text.contains("--mailbox-server HOST"))
        let domainless = try imported("[\(door), \(Self.edge)]")
        #expect(try domainless.loaded().routes.isEmpty)
        #expect(domainless.report.text.contains("Get-AcceptedDomain"))
    }

    @Test("a switched-off route and spaces of other kinds stay out, and are reported")
    func left() throws {
        let off = try imported("[\(door), \(sendConnector(["Enabled": "false"]))]")
        #expect(try off.loaded().routes.isEmpty)
        #expect(off.outcomes(of: "Enabled") == ["skipped "])
        let other = try imported(
            "[\(door), \(sendConnector(["AddressSpaces": #"["X400:c=us;1"]"#]))]"
        )
        #expect(try other.loaded().routes.isEmpty)
        #expect(other.outcomes(of: "AddressSpaces") == ["none "])
    }

    @Test("a logon of the next hop is reported with the words to add")
    func logon() throws {
        let made = try imported(
            "[\(door), \(sendConnector(["SmartHostAuthMechanism": "2", "AuthenticationCredential": #"{"UserName": "relay"}"#]))]"
        )
        #expect(made.outcomes(of: "SmartHostAuthMechanism") == ["none "])
        #expect(made.report.text.contains(#"username: "relay", passwordFile"#))
    }

    static let domains: [(String, String, AcceptedDomain.Kind)] = [
        (#""DomainName": "a.example", "DomainType": "Authoritative""#, "a.example", .authoritative),
        (#""DomainName": "a.example", "DomainType": 2"#, "a.example", .internalRelay),
        (
            #""DomainName": "*.a.example", "DomainType": "ExternalRelay""#, "*.a.example",
            .externalRelay
        ),
        (
            #""DomainName": {"Domain": "a.example"}, "DomainType": 1, "MatchSubDomains": true"#,
            "*.a.example", .externalRelay
        ),
    ]

    @Test("accepted domains of the three types, with and without what is below", arguments: domains)
    func domain(members: String, expected: String, kind: AcceptedDomain.Kind) throws {
        let made = try load("{\(members)}").rulebook.acceptedDomains
        #expect(made.map(\.domain.description) == [expected])
        #expect(made.map(\.kind) == [kind])
    }

    @Test("a domain that is everything is not accepted")
    func everything() throws {
        let made = try imported(#"[\#(door), {"DomainName": "*", "DomainType": "ExternalRelay"}]"#)
        #expect(try made.loaded().rulebook.acceptedDomains.isEmpty)
        #expect(made.outcomes(of: "DomainName") == ["skipped "])
    }

    @Test(
        "authoritative domains get a way to the mailboxes; the name comes from the default domain"
    )
    func mailboxes() throws {
        let domain = #"{"DomainName": "corp.example", "DomainType": 0, "Default": true}"#
        let relay = receiveConnector(["Fqdn": #""ex1.corp.example""#])
        let guessed = try imported("[\(relay), \(domain)]").loaded()
        #expect(guessed.hostname == "relay.corp.example")
        #expect(guessed.postmaster.description == "postmaster@corp.example")
        #expect(
            guessed.rulebook.sendConnectors.map(\.addressSpaces.description) == ["[corp.example]"]
        )
        var options = Exports.certificate
        options.mailboxServer = "mbx.corp.example:2525"
        options.hostname = "gate.corp.example"
        let told = try imported("[\(relay), \(domain)]", options)
        #expect(told.configuration.contains(#"smartHosts: ["mbx.corp.example:2525"]"#))
        #expect(try told.loaded().hostname == "gate.corp.example")
        let silent = try imported("[\(door), \(domain)]")
        #expect(silent.outcomes(of: "DomainType Authoritative") == ["none "])
        #expect(try silent.loaded().routes.isEmpty)
    }
}
