import Delivery
import Mail
import Policy
import Testing

@testable import Gateway

/// What Exchange did not relay, and the passwords it did not show, stay so.
@Suite("Import gives nobody more than Exchange did")
struct ImportSafetyTests {
    private let any = "Ms-Exch-SMTP-Accept-Any-Recipient"
    private let custom = receiveConnector(["PermissionGroups": #""AnonymousUsers, Custom""#])

    private func rulebook(_ objects: String..., options: ImportOptions = ImportOptions()) throws
        -> Rulebook
    {
        try imported("[\(objects.joined(separator: ","))]", options).loaded().rulebook
    }

    private func grant(_ user: String, _ right: String, isDenied: Bool = false) -> String {
        #"{"Identity": "EX1\\Relay", "User": "\#(user)", "Deny": \#(isDenied), "ExtendedRights": ["\#(right)"]}"#
    }

    static let stricter: [[String: String]] = [
        ["PermissionGroups": #""ExchangeUsers""#, "AuthMechanism": #""Tls, BasicAuth""#],
        ["PermissionGroups": #""ExchangeServers""#, "AuthMechanism": #""Tls, ExchangeServer""#],
        ["RequireTLS": "true"],
    ]

    @Test(
        "clients of a stricter connector that cannot be carried over are refused",
        arguments: stricter
    )
    func barred(members: [String: String]) throws {
        let own = [
            "Name": #""Strict""#, "Identity": #""EX1\\Strict""#,
            "RemoteIPRanges": #"["10.1.2.66"]"#,
        ]
        let strict = receiveConnector(own.merging(members) { $1 })
        let rules = try rulebook(custom, permissions(any), strict)
        let place = try #require(IPAddress("192.0.2.25"))
        let client = try #require(IPAddress("10.1.2.66"))
        let serving = try #require(rules.connector(at: place, port: 25, for: client))
        #expect(serving.name == "Strict" && serving.permissionGroups.isEmpty)
        let neighbour = try #require(IPAddress("10.1.2.67"))
        #expect(rules.connector(at: place, port: 25, for: neighbour)?.name == "Relay")
        let all = "[\(custom), \(permissions(any)), \(strict)]"
        let text = try imported(all, ImportOptions()).report.text
        #expect(text.contains(#"it refuses its clients, whom "Relay" would serve else"#))
    }

    @Test("one that is off in Exchange, or whose clients nobody else serves, leaves nothing behind")
    func unbarred() throws {
        let own = [
            "Name": #""Strict""#, "RemoteIPRanges": #"["10.1.2.66"]"#,
            "PermissionGroups": #""ExchangeServers""#,
        ]
        let off = receiveConnector(own.merging(["Enabled": "false"]) { $1 })
        #expect(try rulebook(custom, off).receiveConnectors.filter { $0.name == "Strict" } == [])
        let elsewhere = receiveConnector(own.merging(["Bindings": #"["0.0.0.0:717"]"#]) { $1 })
        #expect(
            try rulebook(custom, elsewhere).receiveConnectors.filter { $0.name == "Strict" } == []
        )
    }

    static let trustees: [(user: String, isAnonymous: Bool)] = [
        (#"NT AUTHORITY\\ANONYMOUS LOGON"#, true), (#"NT-AUTORITÄT\\ANONYMOUS-ANMELDUNG"#, true),
        ("S-1-5-7", true), ("ANONYMOUS LOGON", true),
        (#"CORP\\Anonymous Relay Hosts"#, false), (#"CORP\\svc-anonymizer"#, false),
        ("Anonymous Printers", false),
    ]

    @Test("only Windows' own account is the anonymous", arguments: trustees)
    func trustee(user: String, isAnonymous: Bool) throws {
        let rules = try rulebook(custom, grant(user, any))
        let relay = try #require(rules.receiveConnectors.first { $0.name == "Relay" })
        #expect(relay.rights.contains(.acceptAnyRecipient) == isAnonymous)
    }

    @Test("whom Exchange denies to submit may not here either")
    func deniedSubmit() throws {
        let denial = grant(#"NT AUTHORITY\\ANONYMOUS LOGON"#, "ms-Exch-SMTP-Submit", isDenied: true)
        let made = try imported("[\(custom), \(denial), \(permissions(any))]")
        let relay = try made.loaded().rulebook.receiveConnectors.first { $0.name == "Relay" }
        #expect(relay?.permissionGroups == [])
        #expect(made.report.text.contains("the anonymous submit nothing"))
    }

    @Test("a denial is one in whatever form PowerShell writes a switch")
    func switches() throws {
        let denial = grant(#"NT AUTHORITY\\ANONYMOUS LOGON"#, any)
            .replacing(#""Deny": false"#, with: #""Deny": {"IsPresent": true}"#)
        let rules = try rulebook(custom, denial)
        let relay = try #require(rules.receiveConnectors.first { $0.name == "Relay" })
        #expect(!relay.rights.contains(.acceptAnyRecipient))
        let odd = receiveConnector(["RequireTLS": "{}"])
        #expect(throws: ImportFailure.self) { try imported("[\(odd)]") }
    }

    @Test("a right given on one server is not given on another")
    func servers() throws {
        func relay(_ server: String, _ binding: String) -> String {
            let name =
                "CN=Relay,CN=SMTP Receive Connectors,CN=Protocols,CN=\(server),CN=Servers,CN=X"
            return receiveConnector([
                "Identity": #"{"Name": "Relay", "DistinguishedName": "\#(name)"}"#,
                "Bindings": "[\"\(binding)\"]", "PermissionGroups": #""AnonymousUsers, Custom""#,
            ])
        }
        func relaying(_ permission: String) throws -> [String] {
            let both = [relay("EX1", "10.0.0.1:25"), relay("EX2", "10.0.0.2:25")]
            return try rulebook(both[0], both[1], permission).receiveConnectors
                .filter { $0.rights.contains(.acceptAnyRecipient) }
                .flatMap { $0.bindings.map(\.description) }
        }
        #expect(try relaying(permissions(any)) == ["10.0.0.1:25"])
        let second = permissions(any).replacing("EX1", with: "EX2")
        #expect(try relaying(second) == ["10.0.0.2:25"])
        let bare = permissions(any).replacing(#"EX1\\"#, with: "")
        #expect(try relaying(bare) == [])
    }

    @Test("permissions that fit no connector are told")
    func lost() throws {
        let made = try imported("[\(custom), \(permissions(any).replacing("EX1", with: "EX9"))]")
        #expect(made.report.text.contains(#"permissions of "EX9\Relay""#))
        #expect(made.report.text.contains("no exported receive connector"))
    }

    @Test("what an export lacks, or another cmdlet wrote, is told and not guessed")
    func unknown() throws {
        let partial = receiveConnector([:]).replacing("PermissionGroups", with: "Comment")
        #expect(try imported("[\(partial)]").outcomes(of: "PermissionGroups") == ["none "])
        let foreign = sendConnector(["DropDirectory": #""Fax""#])
        #expect(throws: ImportFailure.self) { try imported("[\(custom), \(foreign)]") }
        let hostless = sendConnector(["DNSRoutingEnabled": "false", "SmartHosts": "null"])
        #expect(throws: ImportFailure.self) { try imported("[\(custom), \(hostless)]") }
        for text in ["<html></html>", "null", "Name,Comment\n"] {
            #expect(throws: ImportFailure.self, "\(text)") { try imported(text) }
        }
    }

    @Test("the numbers of Exchange's own enumerations")
    func numbers() throws {
        func route(_ members: [String: String]) throws -> Route? {
            try imported("[\(custom), \(sendConnector(members))]").loaded().routes.first
        }
        #expect(try route(["SmartHostAuthMechanism": "4"])?.security == .required)
        #expect(try route(["SmartHostAuthMechanism": "2"])?.security == .opportunistic)
        #expect(try route(["TlsAuthLevel": "4"])?.security == .verified)
    }

    @Test("a trusted range relays, with its access list exported or not")
    func trusted() throws {
        let connector = receiveConnector([
            "PermissionGroups": #""AnonymousUsers, ExchangeServers""#,
            "AuthMechanism": #""ExternalAuthoritative""#,
        ])
        let list = [
            permissions("Ms-Exch-SMTP-Submit", "Ms-Exch-SMTP-Accept-Any-Sender"),
            grant(#"MS Exchange\\Externally Secured Servers"#, any),
        ]
        for grants in [[], list] {
            let made = try imported("[\(([connector] + grants).joined(separator: ","))]")
            let relay = try made.loaded().rulebook.receiveConnectors.first { $0.name == "Relay" }
            let rights = try #require(relay?.rights)
            #expect(rights.isSuperset(of: [.acceptAnyRecipient, .bypassMessageSizeLimit]))
            #expect(!made.report.text.contains("give the application that takes its place"))
        }
    }

    @Test("a password that Exchange gave away in TLS alone demands TLS")
    func password() throws {
        let route = sendConnector(["SmartHostAuthMechanism": #""BasicAuthRequireTLS""#])
        let made = try imported("[\(custom), \(route)]").loaded()
        #expect(made.routes.first?.security == .required)
    }

    @Test("one tarpit serves both delays: the longer")
    func tarpit() throws {
        let connector = receiveConnector([
            "TarpitInterval": #""00:00:00""#, "AuthTarpitInterval": #""00:00:05""#,
        ])
        let relay = try rulebook(connector).receiveConnectors.first { $0.name == "Relay" }
        #expect(relay?.limits.tarpit == .seconds(5))
    }

    @Test("rights are found where the connector's identity is an object")
    func identity() throws {
        let connector = receiveConnector([
            "Identity": #"{"Rdn": "CN=Relay", "Name": "Relay"}"#, "Server": #"{"Name": "EX1"}"#,
            "PermissionGroups": #""AnonymousUsers, Custom""#,
        ])
        let relay = try rulebook(connector, permissions(any)).receiveConnectors
            .first { $0.name == "Relay" }
        #expect(relay?.rights.contains(.acceptAnyRecipient) == true)
    }
}

@Suite("Import reads what PowerShell makes of lists and addresses")
struct ImportFormTests {
    private let door = receiveConnector([:])

    private func spaces(_ value: String) throws -> [String] {
        let made = try imported("[\(door), \(sendConnector(["AddressSpaces": value]))]").loaded()
        return made.rulebook.sendConnectors.flatMap { connector in
            connector.addressSpaces.map { "\($0) \(connector.cost)" }
        }
    }

    static let lists: [(value: String, expected: [String])] = [
        (#""SMTP:a.example;1;SMTP:b.example;3""#, ["a.example 1", "b.example 3"]),
        (#""SMTP:a.example;SMTP:b.example""#, ["a.example 1", "b.example 1"]),
        (
            #"{"value": [{"Type": "SMTP", "Address": "a.example", "Cost": 10}], "Count": 1}"#,
            ["a.example 10"]
        ),
        (#"{"value": ["SMTP:a.example;7"], "Count": 1}"#, ["a.example 7"]),
        (#"{"Type": "SMTP", "Address": "a.example", "Cost": 10}"#, ["a.example 10"]),
        (#"["X400:c=us;a= ;p=Contoso;1", "SMTP:a.example;2"]"#, ["a.example 2"]),
    ]

    @Test("address spaces, joined or wrapped", arguments: lists)
    func addressSpaces(value: String, expected: [String]) throws {
        #expect(try spaces(value) == expected)
    }

    @Test("smart hosts and ranges joined by semicolons")
    func joined() throws {
        let connector = receiveConnector(["RemoteIPRanges": #""10.1.2.0/24;10.1.3.7""#])
        let route = sendConnector([
            "DNSRoutingEnabled": "false", "SmartHosts": #""a.example;b.example""#,
        ])
        let made = try imported("[\(connector), \(route)]").loaded()
        guard case .smartHosts(let hosts)? = made.routes.first?.hop else {
            Issue.record("no smart hosts")
            return
        }
        #expect(hosts.map(\.host) == ["a.example", "b.example"])
        let ranges = made.rulebook.receiveConnectors.first { $0.name == "Relay" }?.remoteRanges
        #expect(ranges?.map(\.description) == ["10.1.2.0/24", "10.1.3.7"])
    }

    @Test(".NET's addresses are their text, not the number beside it")
    func addresses() throws {
        func address(_ text: String) -> String {
            #"{"Address": 16843018, "AddressFamily": 2, "IPAddressToString": "\#(text)"}"#
        }
        let connector = receiveConnector([
            "Bindings": #"[{"Address": \#(address("0.0.0.0")), "Port": 25}]"#,
            "RemoteIPRanges":
                #"[{"LowerBound": \#(address("10.1.2.1")), "UpperBound": \#(address("10.1.2.9"))}]"#,
        ])
        let route = sendConnector([
            "DNSRoutingEnabled": "false",
            "SmartHosts": #"[{"Address": \#(address("10.1.1.1")), "Domain": null}]"#,
        ])
        let made = try imported("[\(connector), \(route)]").loaded()
        let relay = try #require(made.rulebook.receiveConnectors.first { $0.name == "Relay" })
        #expect(relay.bindings.map(\.description) == ["0.0.0.0:25"])
        #expect(relay.remoteRanges.map(\.description) == ["10.1.2.1-10.1.2.9"])
        guard case .smartHosts(let hosts)? = made.routes.first?.hop else {
            Issue.record("no smart hosts")
            return
        }
        #expect(hosts.map(\.host) == ["10.1.1.1"])
    }

    @Test("a whole export may be wrapped, and several be one file")
    func wrapped() throws {
        let value = #"{"value": [\#(door)], "Count": 1}"#
        #expect(try imported(value).loaded().rulebook.receiveConnectors.count == 2)
        let several = try imported("[[\(door)], [\(sendConnector([:]))]]").loaded()
        #expect(several.rulebook.sendConnectors.count == 1)
        #expect(throws: ImportFailure.self) { try imported("[[1]]") }
    }

    @Test("a linked send connector follows its receive connector's name, or stays out with it")
    func links() throws {
        let second = receiveConnector([
            "Identity": #""EX2\\Relay""#, "RemoteIPRanges": #"["10.9.0.0/24"]"#,
        ])
        func linked(_ name: String) -> String {
            sendConnector(["LinkedReceiveConnector": "\"\(name)\""])
        }
        let made = try imported("[\(door), \(second), \(linked(#"EX2\\Relay"#))]").loaded()
        let name = try #require(
            made.rulebook.receiveConnectors.first { "\($0.remoteRanges)".contains("10.9") }?.name
        )
        #expect(name != "Relay")
        #expect(made.rulebook.sendConnectors.first?.sources == [name])
        let lost = try imported("[\(door), \(linked(#"EX1\\App"#))]")
        #expect(try lost.loaded().routes.isEmpty)
        #expect(lost.outcomes(of: "LinkedReceiveConnector") == ["skipped "])
    }

    @Test("mailboxes of an internal relay domain need a way as those of an authoritative one")
    func internalRelay() throws {
        let domain = #"{"DomainName": "int.example", "DomainType": "InternalRelay"}"#
        let made = try imported("[\(door), \(domain)]")
        #expect(made.report.text.contains("--mailbox-server HOST"))
    }
}
