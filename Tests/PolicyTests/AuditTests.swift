import Mail
import Testing

@testable import Policy

/// Contract sections 5 and 9.
@Suite("The audit")
struct AuditTests {
    private func findings(
        of connectors: ReceiveConnector...,
        accepting domains: [String] = []
    ) -> [String] {
        rules(connectors, accepting: domains).audit.map {
            "\($0.severity) \($0.code) \($0.subject)"
        }
    }

    private func relay(_ ranges: [String], at places: [String] = ["0.0.0.0:25"]) -> ReceiveConnector
    {
        smtp("R", at: places, from: ranges) { $0.rights.insert(.acceptAnyRecipient) }
    }

    static let refused = "refused open_relay R"
    static let wide = "warning wide_relay_range R"

    static let reaches: [(ranges: [String], expected: String?)] = [
        // Private: 65,536 addresses are allowed, one more is not.
        (["10.0.0.0/16"], wide), (["10.0.0.0-10.0.255.255"], wide),
        (["10.0.0.0-10.1.0.0"], refused), (["10.0.0.0/15"], refused),
        (["172.16.0.0/16"], wide), (["172.16.0.0/12"], refused),
        (["192.168.0.0/16"], wide), (["192.168.0.0/16", "10.0.0.1"], refused),
        (["100.64.0.0/16"], wide), (["100.64.0.0/10"], refused),
        // Public: 256 are allowed, one more is not.
        (["192.0.2.0/24"], nil), (["192.0.2.0-192.0.3.0"], refused), (["192.0.2.0/23"], refused),
        (["192.0.2.0/25", "198.51.100.0/25"], nil),
        (["192.0.2.0/24", "198.51.100.1"], refused),
        (["172.32.0.0/24"], nil), (["172.32.0.0/23"], refused), (["172.15.255.0/23"], refused),
        (["100.128.0.0/23"], refused), (["192.169.0.0/23"], refused), (["11.0.0.0/23"], refused),
        // What straddles is counted part by part.
        (["9.255.255.0-10.0.0.255"], wide), (["9.255.254.255-10.0.0.255"], refused),
        (["192.0.2.0/24", "10.0.0.0/16"], wide),
        // A union counts once.
        (["10.0.0.0/16", "10.0.0.0/16", "10.0.128.0/17", "10.0.0.7"], wide),
        (["192.0.2.0/24", "192.0.2.0-192.0.2.128", "192.0.2.9"], nil),
        (["10.0.0.0/17", "10.0.128.0/17"], wide),
        (["10.0.0.0-10.0.200.0", "10.0.100.0-10.0.255.255"], wide),
        (["10.0.0.0-10.0.200.0", "10.0.100.0-10.1.0.0"], refused),
        // IPv6: a /48, private or not.
        (["2001:db8::/64"], nil), (["2001:db8::/63"], wide), (["2001:db8::/48"], wide),
        (["2001:db8::/47"], refused), (["fc00::/48"], wide), (["fc00::/47"], refused),
        (["fc00::/7"], refused), (["2001:db8::/48", "2001:db8:1::1"], refused),
        (["2001:db8::/48", "2001:db8::1"], wide), (["::/0"], refused),
        (["::/1", "8000::/1"], refused),
        // Loopback is exempt.
        (["127.0.0.0/8", "::1"], nil), (["127.0.0.0/8", "192.0.2.0/24"], nil),
        (["126.255.255.0-127.255.255.255"], nil), (["126.255.254.255-127.0.0.0"], refused),
        // Devices one by one.
        (["10.1.30.7", "10.1.31.5-10.1.31.9"], nil), (["10.0.0.0/24"], nil),
        (["10.0.0.0/23"], wide),
        (["0.0.0.0/0"], refused), (["0.0.0.0/0", "::/0"], refused), ([], refused),
    ]

    @Test("an open relay is refused one address beyond the bounds", arguments: reaches)
    func openRelay(ranges: [String], expected: String?) {
        #expect(findings(of: relay(ranges)) == [expected].compactMap { $0 })
    }

    @Test("omitted ranges are everything that reaches the bindings; loopback alone is exempt")
    func bindings() {
        #expect(findings(of: relay([], at: ["127.0.0.1:25", "[::1]:25"])) == [])
        #expect(findings(of: relay([], at: ["127.0.0.1:25", "[::]:25"])) == [Self.refused])
        #expect(findings(of: relay([], at: ["10.0.0.1:25"])) == [Self.refused])
        #expect(findings(of: relay([], at: ["[2001:db8::1]:25"])) == [Self.refused])
    }

    @Test("only the anonymous with acceptAnyRecipient on an enabled connector make an open relay")
    func conditions() {
        #expect(findings(of: smtp("R")) == [])
        var connector = relay([])
        connector.permissionGroups = [.applications]
        #expect(findings(of: connector) == [])
        connector.permissionGroups = [.applications, .anonymous]
        #expect(findings(of: connector) == [Self.refused])
        connector.isEnabled = false
        #expect(findings(of: connector) == [])
    }

    @Test("allowOpenRelay makes a warning of it, which says why")
    func allowed() throws {
        var connector = relay([])
        connector.allowsOpenRelay = true
        #expect(findings(of: connector) == ["warning open_relay_allowed R"])
        let text = try #require(rules([connector]).audit.first?.text)
        #expect(text.contains("65,536 private") && text.contains("256 public"))
    }

    static let tls: [(TLSPolicy.Mode, TLSPolicy.Version, ranges: [String], expected: String?)] = [
        (.none, .v10, [], nil), (.offered, .v12, [], nil), (.offered, .v13, [], nil),
        (.offered, .v11, [], "refused old_tls_unrestricted C"),
        (.required, .v10, [], "refused old_tls_unrestricted C"),
        (.implicit, .v10, ["0.0.0.0/0"], "refused old_tls_unrestricted C"),
        (.implicit, .v10, ["::/0", "10.0.0.1"], "refused old_tls_unrestricted C"),
        (.implicit, .v10, ["0.0.0.0/1", "128.0.0.0/1"], "refused old_tls_unrestricted C"),
        (.implicit, .v10, ["0.0.0.1-255.255.255.255"], "refused old_tls_unrestricted C"),
        (.implicit, .v10, ["8000::/1"], "refused old_tls_unrestricted C"),
        (.implicit, .v10, ["198.0.0.0/8", "10.0.0.0/8", "2001:db8::/32"], "warning old_tls C"),
        (.offered, .v10, ["10.1.20.0/24"], "warning old_tls C"),
    ]

    @Test("TLS below 1.2 is for a list of old devices", arguments: tls)
    func oldTLS(
        mode: TLSPolicy.Mode,
        version: TLSPolicy.Version,
        ranges: [String],
        expected: String?
    ) {
        let connector = smtp(from: ranges) {
            $0.tls.mode = mode
            $0.tls.minimumVersion = version
        }
        #expect(findings(of: connector) == [expected].compactMap { $0 })
    }

    @Test("keys and passwords in the clear are told, unless on loopback")
    func plaintext() {
        let warning = ["warning plaintext_authentication C"]
        let http = { (place: String) in
            smtp(at: [place]) {
                $0.door = .http
                $0.permissionGroups = [.applications]
            }
        }
        #expect(findings(of: http("0.0.0.0:8025")) == warning)
        #expect(findings(of: http("127.0.0.1:8025")) == [])
        var secure = http("0.0.0.0:8025")
        secure.tls.mode = .implicit
        #expect(findings(of: secure) == [])
        var submission = smtp {
            $0.permissionGroups = [.applications]
            $0.authentication = [.plain]
            $0.allowsPlaintextAuthentication = true
        }
        #expect(findings(of: submission) == warning)
        submission.authentication = []
        #expect(findings(of: submission) == [])
        submission.authentication = [.login]
        submission.allowsPlaintextAuthentication = false
        #expect(findings(of: submission) == [])
    }

    static let balancers: [(proxies: [String], at: String, ranges: [String], expected: String?)] = [
        (["10.1.1.1"], "0.0.0.0:25", ["10.1.20.7"], nil),
        (["0.0.0.0/0"], "0.0.0.0:25", ["10.1.20.7"], refused),
        (["192.0.2.0/24"], "0.0.0.0:25", ["198.51.100.7"], refused),
        // Behind a balancer of this machine anyone can stand.
        (["127.0.0.1"], "127.0.0.1:25", [], refused),
        (["127.0.0.1"], "127.0.0.1:25", ["10.1.20.7"], nil),
        ([], "127.0.0.1:25", [], nil),
    ]

    @Test("a relay reaches whoever may claim to be its balancer", arguments: balancers)
    func claims(proxies: [String], at place: String, ranges: [String], expected: String?) {
        var own = relay(ranges, at: [place])
        own.proxies = proxies.map(range)
        #expect(findings(of: own) == [expected].compactMap { $0 })
        // It is no matter which connector of the place lists the balancer.
        let other = smtp("Other", at: ["0.0.0.0:25"], from: ["203.0.113.1"]) {
            $0.proxies = proxies.map(range)
        }
        let elsewhere = smtp("Elsewhere", at: ["0.0.0.0:26"]) { $0.proxies = proxies.map(range) }
        let alone = relay(ranges, at: [place])
        #expect(findings(of: alone, other) == [expected].compactMap { $0 })
        #expect(findings(of: alone, elsewhere) == [])
    }

    static let spoofing: [(ranges: [String], at: String, domains: [String], isTold: Bool)] = [
        ([], "0.0.0.0:25", ["corp.example"], true),
        (["0.0.0.0/0", "::/0"], "0.0.0.0:25", ["corp.example"], true),
        (["0.0.0.0/0"], "0.0.0.0:25", ["corp.example"], true),
        (["::/0"], "[::]:25", ["corp.example"], true),
        (["10.0.0.0/8"], "0.0.0.0:25", ["corp.example"], false),
        ([], "127.0.0.1:25", ["corp.example"], true),
        ([], "0.0.0.0:25", [], false),
    ]

    @Test("anyone who may write as our own domains is told", arguments: spoofing)
    func impersonation(ranges: [String], at place: String, domains: [String], isTold: Bool) {
        let connector = smtp(at: [place], from: ranges)
        let expected = isTold ? ["warning spoofable_domains C"] : []
        #expect(findings(of: connector, accepting: domains) == expected)
        var guarded = connector
        guarded.rights.remove(.acceptAuthoritativeDomainSender)
        #expect(findings(of: guarded, accepting: domains) == [])
        var known = connector
        known.permissionGroups = [.applications]
        #expect(findings(of: known, accepting: domains) == [])
    }
}
