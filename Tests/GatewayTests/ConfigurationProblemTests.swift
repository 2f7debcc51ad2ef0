import Policy
import Testing

@testable import Gateway

/// An error names file, line, key path and cure.
@Suite("What is wrong in a configuration")
struct ConfigurationProblemTests {
    static let wrong: [(connector: String, send: String, members: String, expected: String)] = [
        // Unknown keys.
        (
            "", "", "retentoin: {},",
            "postern.json5:14: retentoin: unknown key in the configuration; did you mean \"retention\"?"
        ),
        (
            "binding: [],", "", "",
            ":6: receiveConnectors[0].binding: unknown key in a receive connector; did you mean \"bindings\"?"
        ),
        (
            "", "smartHost: [],", "",
            ":12: sendConnectors[0].smartHost: unknown key in a send connector; did you mean \"smartHosts\"?"
        ),
        (
            "", "foo: 1,", "",
            ":12: sendConnectors[0].foo: unknown key in a send connector; remove it, or write one of"
        ),
        (
            "tls: { mood: 1 },", "", "",
            ":6: receiveConnectors[0].tls.mood: unknown key in tls; did you mean \"mode\"?"
        ),
        (
            "", "", "zzzzzzzzzzzzzz: 1,",
            ":14: zzzzzzzzzzzzzz: unknown key in the configuration; remove it"
        ),
        (
            "tls: { mode: \"offered\", minVersion: \"1.2\" },", "", "",
            ".tls.minVersion: unknown key in tls; remove it, or write one of certificate,"
                + " clientCAFile, minimumVersion, mode"
        ),
        (
            "rights: [\"acceptAnyRecipient\"], withoutRights: [\"acceptAnyRecipient\"],", "", "",
            ":6: receiveConnectors[0].withoutRights: takes away acceptAnyRecipient, which rights gives;"
        ),
        (
            "limits: { hop: 3 },", "", "",
            ":6: receiveConnectors[0].limits.hop: unknown key in limits; did you mean \"hops\"?"
        ),
        (
            "suppressKeywords: [\"dsn\", \"CHUNKNG\"],", "", "",
            ":6: receiveConnectors[0].suppressKeywords[1]: must be one of SIZE, PIPELINING, DSN,"
        ),
        // Wrong types.
        ("enabled: \"yes\",", "", "", ":6: receiveConnectors[0].enabled: must be true or false"),
        (
            "banner: 1,", "", "",
            ":6: receiveConnectors[0].banner: must be one line of printable text, in quotes"
        ),
        (
            "banner: \"220 a\\r\\n250 b\",", "", "",
            ":6: receiveConnectors[0].banner: must be one line of printable text"
        ),
        (
            "fqdn: \"relay example\",", "", "",
            ":6: receiveConnectors[0].fqdn: must be a host name such as \"relay.corp.example\""
        ),
        (
            "tls: { mode: \"required\" }, suppressKeywords: [\"STARTTLS\"],", "", "",
            ":6: receiveConnectors[0].suppressKeywords: hides STARTTLS, without which tls.mode"
        ),
        (
            "tls: \"offered\",", "", "",
            ":6: receiveConnectors[0].tls: must be an object such as { mode: \"offered\" }"
        ),
        (
            "remoteIPRanges: \"10.0.0.1\",", "", "",
            ":6: receiveConnectors[0].remoteIPRanges: must be a list"
        ),
        (
            "limits: { recipients: 1.5 },", "", "",
            ".limits.recipients: must be a whole number from 1 to"
        ),
        ("limits: { hops: 0 },", "", "", ".limits.hops: must be a whole number from 1 to 1000"),
        (
            "limits: { messageSize: \"36 MB\" },", "", "",
            ".limits.messageSize: must be a size such as"
        ),
        (
            "limits: { inactivity: \"5\" },", "", "",
            ".limits.inactivity: must be a duration such as"
        ),
        (
            "limits: { inactivity: 300 },", "", "",
            ".limits.inactivity: must be a duration such as \"90s\","
        ),
        (
            "", "", "certificates: {},",
            ":14: certificates: must be a list of objects such as [{ name: \"default\","
        ),
        (
            "", "", "certificates: [1],",
            ":14: certificates[0]: must be an object such as { name: \"default\","
        ),
        (
            "", "", "aliases: [\"it@corp.example\"],",
            ":14: aliases: must be an object such as { root: \"it@corp.example\" }"
        ),
        ("", "", "aliases: { root: 1 },", ":14: aliases.root: must be a string"),
        // Wrong words.
        (
            "protocol: \"smpt\",", "", "",
            ":6: receiveConnectors[0].protocol: must be one of \"smtp\", \"http\", not \"smpt\""
        ),
        (
            "tls: { mode: \"yes\" },", "", "",
            ".tls.mode: must be one of \"none\", \"offered\", \"required\", \"implicit\", not \"yes\""
        ),
        (
            "permissionGroups: [\"everyone\"],", "", "",
            ":6: receiveConnectors[0].permissionGroups[0]: must be one of"
        ),
        ("rights: [\"relay\"],", "", "", ".rights[0]: must be one of acceptAnyRecipient"),
        (
            "preset: \"printer\",", "", "",
            ".preset: must be one of \"default-frontend\", \"client-frontend\", \"anonymous-relay\", \"legacy-device\""
        ),
        (
            "remoteIPRanges: [\"10.0.0.1\",\n\"10.0.0.0/33\"],", "", "",
            ":7: receiveConnectors[0].remoteIPRanges[1]: must be an address, a CIDR block or a-b"
        ),
        ("", "tls: \"starttls\",", "", ":12: sendConnectors[0].tls: must be one of \"none\""),
        ("", "cost: 0,", "", ":12: sendConnectors[0].cost: must be a whole number from 1 to 100"),
        (
            "", "delivery: \"direct\", smartHosts: [\"a.example\"],", "",
            ":12: sendConnectors[0].delivery: must be one of \"mx\", \"capture\", not \"direct\""
        ),
        ("", "sourceAddress: \"eth0\",", "", ".sourceAddress: must be an IP address, not \"eth0\""),
        (
            "", "", "log: { level: \"loud\" },",
            ":14: log.level: must be one of \"debug\", \"info\", \"warning\", \"error\""
        ),
        (
            "", "", "acceptedDomains: [{ domain: \"*\" }],",
            ":14: acceptedDomains[0].domain: must be a domain or *.domain"
        ),
        ("", "", "acceptedDomains: [{}],", ":14: acceptedDomains[0].domain: is missing"),
        (
            "", "", "acceptedDomains: [{ domain: \"a.example\", type: \"own\" }],",
            "acceptedDomains[0].type: must be one of \"authoritative\", \"internalRelay\", \"externalRelay\""
        ),
        (
            "", "", "delivery: { retry: [\"often\"] },",
            ":14: delivery.retry[0]: \"often\" is no wait such as"
        ),
        (
            "", "", "delivery: { uncertain: \"drop\" },",
            ":14: delivery.uncertain: must be one of \"retry\", \"hold\""
        ),
        ("", "", "postmaster: \"nobody\",", ":14: postmaster: must be an address, not \"nobody\""),
        ("", "", "aliases: { root: \"x\" },", "aliases: root must be an address, not \"x\""),
        // Contradictions.
        (
            "", "delivery: \"mx\", smartHosts: [\"a.example\"],", "",
            "sendConnectors[0].delivery: cannot stand beside smartHosts; keep one of them"
        ),
        (
            "protocol: \"http\", banner: \"x\",", "", "",
            ":6: receiveConnectors[0].banner: has no meaning for http"
        ),
        (
            "protocol: \"http\", protocolLog: true,", "", "",
            ":6: receiveConnectors[0].protocolLog: has no meaning for http"
        ),
        (
            "proxies: [\"10.0.0.1\", \"balancer\"],", "", "",
            ":6: receiveConnectors[0].proxies[1]: must be an address, a CIDR block or a-b"
        ),
        (
            "metricsRanges: [],", "", "",
            ":6: receiveConnectors[0].metricsRanges: has no meaning for smtp"
        ),
        (
            "protocol: \"http\", tls: { mode: \"offered\" },", "", "",
            ".tls.mode: must be \"none\" or \"implicit\" for http"
        ),
        (
            "tls: { mode: \"offered\", certificate: \"web\" },", "", "",
            ":6: receiveConnectors[0].tls.certificate: there is no certificate \"web\" in certificates"
        ),
        (
            "", "", "certificates: [{ name: \"a\" }],",
            "certificates[0]: a certificate needs name, certificateFile and keyFile"
        ),
        (
            "rights: [\"acceptAnyRecipient\"], permissionGroups: [\"anonymous\"], remoteIPRanges: [\"0.0.0.0/0\"],",
            "", "", "narrow remoteIPRanges, or take acceptAnyRecipient away"
        ),
        (
            "", "authentication: { mechanism: \"plain\", username: \"relay\" },", "",
            "sendConnectors[0].authentication.passwordFile: is missing; plain needs a password"
        ),
        (
            "tls: { clientCAFile: \"x\" },", "", "",
            ":6: receiveConnectors[0].tls.clientCAFile: has no meaning without TLS; set mode to"
        ),
        (
            "tls: { mode: \"none\", minimumVersion: \"1.3\" },", "", "",
            ".tls.minimumVersion: has no meaning without TLS; set mode to \"offered\" or remove it"
        ),
        (
            "tls: { mode: \"offered\", minimumVersion: \"1.1\" },", "", "",
            "\"Default\" accepts TLS 1.1 from every address; set remoteIPRanges to the old devices"
        ),
        (
            "authentication: [\"ntlm\"],", "", "",
            ".authentication[0]: must be one of \"plain\", \"login\", \"cram-md5\""
        ),
        // Promises of a later version.
        (
            "", "dkim: [{ domain: \"corp.example\", selector: \"p1\" }],", "",
            ":12: sendConnectors[0].dkim[0].keyFile: is missing"
        ),
    ]

    @Test("a problem names file, line, key path and cure", arguments: wrong)
    func problem(connector: String, send: String, members: String, expected: String) {
        let found = configurationProblems(
            configurationFile(connector: connector, send: send, members)
        )
        #expect(found.contains { $0.contains(expected) }, "\(found)")
        #expect(found.allSatisfy { $0.hasPrefix("postern.json5") })
        #expect(found.count == 1, "\(found)")
    }

    @Test(
        "a text that is no JSON5 says where",
        arguments: ["", "{", "{ hostname: }", "[1,]\n}", "{a:1}x"]
    )
    func syntax(text: String) {
        let found = configurationProblems(text)
        #expect(found.count == 1)
        #expect(found.first?.hasPrefix("postern.json5:") == true)
        #expect(found.first?.contains(": column ") == true)
    }

    @Test("a file that is no object is told")
    func noObject() {
        #expect(
            configurationProblems("[]") == ["postern.json5:1: the file must hold one object { … }"]
        )
    }

    @Test("all problems are told at once")
    func together() {
        let found = configurationProblems(
            "{ hostnme: 1,\n receiveConnectors: [{}],\n sendConnectors: [{}] }"
        )
        for part in [
            "hostname: is missing", "did you mean \"hostname\"", "receiveConnectors[0].name:",
            "receiveConnectors[0].bindings:", "sendConnectors[0].name:",
            "sendConnectors[0].addressSpaces:", "sendConnectors[0].smartHosts:",
        ] {
            #expect(found.contains { $0.contains(part) }, "\(part)")
        }
    }

    @Test(
        "a list whose only entry is wrong is not told to be empty as well, nor a wrong word missing"
    )
    func oneMessage() {
        #expect(
            configurationProblems(
                configurationFile(connector: #"remoteIPRanges: ["10.0.0.0/33"],"#)
            ).count == 1
        )
        #expect(
            configurationProblems(configurationFile(send: #"delivery: "direct","#)).count == 1
        )
    }

    @Test("names are given once, and connectors do not quarrel")
    func doubles() {
        let both = """
            { hostname: "h.example", receiveConnectors: [
              { name: "A", bindings: ["0.0.0.0:25"] }, { name: "A", bindings: ["0.0.0.0:25"] },
            ], sendConnectors: [
              { name: "S", addressSpaces: ["*"], delivery: "mx" }, { name: "S", addressSpaces: ["*"], delivery: "mx" },
            ] }
            """
        let found = configurationProblems(both)
        #expect(found.count(where: { $0.contains("is given twice") }) == 2, "\(found)")
        #expect(
            found.contains {
                $0.contains("\"A\" and \"A\" on 0.0.0.0:25: both serve every address")
            }
        )
    }

    @Test("TLS off loopback needs a certificate; on loopback one is made")
    func certificates() {
        let connector = { (place: String) in
            """
            { hostname: "h.example", receiveConnectors: [
              { name: "A", bindings: ["\(place)"], tls: { mode: "offered" }, permissionGroups: ["applications"] } ] }
            """
        }
        #expect(configurationProblems(connector("127.0.0.1:25")) == [])
        let found = configurationProblems(connector("0.0.0.0:25"))
        #expect(
            found.count == 1
                && found[0].contains("\"A\" needs a certificate: list one in certificates")
        )
    }

    @Test("keys without effect are warned of, not refused")
    func warnings() throws {
        let warnings = try readConfiguration(configurationFile("alerts: {},"))
            .warnings
        #expect(warnings.map(\.code) == ["no_effect"])
        #expect(warnings.allSatisfy { $0.severity == .warning })
    }

    @Test("no cut of a sound file traps, and none but the whole is sound")
    func cuts() {
        let octets = Array(ConfigurationTests.example.utf8)
        for length in stride(from: 0, to: octets.count - 2, by: 7) {
            let text = String(decoding: octets[..<length], as: UTF8.self)
            #expect(!configurationProblems(text, secrets: ConfigurationTests.files).isEmpty)
        }
    }
}
