import Mail
import Testing

@testable import Policy

/// Random rulebooks and submissions, judged by the code and by `NaiveModel`.
@Suite("The rules and a naive model of the contract agree")
struct ModelTests {
    @Test("on verdict, rule, reply and route", arguments: UInt64(1)...8)
    func decisions(seed: UInt64) {
        var dice = Dice(seed)
        var seen: [String: Int] = [:]
        for _ in 0..<250 {
            let book = dice.rulebook()
            let model = NaiveModel(book: book)
            for _ in 0..<12 {
                let offer = dice.submission(at: dice.one(of: book.receiveConnectors))
                let partially = dice.hits(3)
                let expected = model.verdict(on: offer, partially: partially)
                let decision = book.decide(offer, partially: partially)
                let actual = NaiveModel.Verdict(decision, on: offer)
                if actual != expected { Issue.record("\(actual) is not \(expected): \(offer)") }
                #expect((decision.approval == nil) != (decision.refusal == nil))
                seen["\(expected.rule) \(expected.reply)", default: 0] += 1
            }
        }
        // A generator that never reaches a rule would prove nothing about it.
        let reached = [
            "none none", "tls 451 5.7.3", "submit 530 5.7.57", "sender 550 5.7.60",
            "recipient 550 5.7.54", "recipient 550 5.7.1", "limits 552 5.3.4", "limits 452 4.5.3",
            "limits 554 5.4.6", "route 550 5.4.4", "route 552 5.3.4",
        ]
        for case let rule in reached where seen[rule, default: 0] < 4 {
            Issue.record("\(rule) was met \(seen[rule, default: 0]) times: \(seen)")
        }
    }

    @Test("on the connector", arguments: UInt64(1)...4)
    func connectors(seed: UInt64) {
        var dice = Dice(seed &+ 100)
        var found = 0
        var foundV6 = 0
        for _ in 0..<250 {
            let book = dice.rulebook()
            // Where connectors quarrel the configuration is refused, and no choice is promised.
            guard book.conflicts.isEmpty else { continue }
            let model = NaiveModel(book: book)
            for _ in 0..<12 {
                let local = dice.one(
                    of: ["10.0.0.1", "10.0.0.2", "2001:db8::1", "2001:db8::1", "::ffff:10.0.0.1"]
                )
                let isV6 = local.hasPrefix("2001")
                let peer = dice.one(of: Dice.peers.filter { $0.hasPrefix("2001") == isV6 })
                let port = dice.one(of: [25, 25, 587])
                let expected = model.connector(at: local, port: port, for: peer)
                let actual = book.connector(at: ip(local), port: port, for: ip(peer))?.name
                if actual != expected {
                    Issue.record(
                        "\(local):\(port) for \(peer): \(actual ?? "-") \(expected ?? "-")"
                    )
                }
                found += expected == nil ? 0 : 1
                foundV6 += expected == nil || !isV6 ? 0 : 1
            }
        }
        #expect(found > 200)
        #expect(foundV6 > 20)
    }
}

extension NaiveModel.Verdict {
    /// The decision in the model's words.
    init(_ decision: Decision, on offer: Submission) {
        let short = { (reply: Reply) in "\(reply.code) \(reply.enhanced)" }
        self.init(
            rule: decision.refusal?.rule.rawValue ?? "none",
            reply: decision.refusal.map { short($0.reply) } ?? "none",
            isAccepted: decision.approval != nil
        )
        // Findings tell of the recipients in order; approval and `refused` must say the same.
        var routed = decision.approval?.recipients ?? []
        var refused = decision.refused
        guard decision.approval != nil || !refused.isEmpty else { return }
        var current = offer.recipients[...]
        for finding in decision.findings {
            guard let recipient = current.first else { break }
            if let refusal = finding.refusal, refused.first?.mailbox == recipient,
                refused.first?.refusal == refusal
            {
                recipients.append("\(recipient) \(short(refusal.reply))")
                refused.removeFirst()
                current = current.dropFirst()
            } else if finding.rule == .route {
                let name = isAccepted ? routed.removeFirst().route : Self.name(in: finding)
                recipients.append("\(recipient) by \(name)")
                current = current.dropFirst()
            }
        }
    }

    private static func name(in finding: Finding) -> String {
        String(finding.note.split(separator: " ").last ?? "")
    }
}

extension Dice {
    static let peers = [
        "10.1.2.3", "10.1.2.4", "10.1.2.9", "10.1.9.9", "10.9.9.9", "8.8.8.8", "2001:db8::9",
        "2001:db8:0:1::9", "2001:db9::1", "::ffff:10.1.2.3",
    ]
    private static let domains = [
        "corp.example", "a.corp.example", "b.a.corp.example", "lab.example", "x.lab.example",
        "other.example", "xcorp.example",
    ]

    private mutating func address() -> Mailbox {
        Mailbox(
            localPart: one(of: ["ann", "Bob", "root"]),
            domain: one(of: Self.domains)
        )
    }

    private mutating func space() -> String {
        let domain = one(of: Self.domains)
        return one(of: [domain, "*." + domain, "*." + domain, "*"])
    }

    private mutating func addressPattern() -> AddressPattern {
        let domain = one(of: Self.domains)
        return pattern(
            one(of: ["ann@" + domain, "BOB@" + domain, "*@" + domain, "*@*." + domain, "*"])
        )
    }

    mutating func rulebook() -> Rulebook {
        var connectors: [ReceiveConnector] = []
        for number in 0..<Int.random(in: 1...4, using: &self) { connectors.append(door(number)) }
        var routes: [SendConnector] = []
        for name in some(0...5, of: ["R0", "R1", "R2", "R3", "R4"]) {
            var spaces: [String] = []
            for _ in 0..<Int.random(in: 1...3, using: &self) { spaces.append(space()) }
            var connector = route(name, spaces)
            connector.cost = one(of: [1, 1, 2, 10])
            if hits(4) { connector.sources = Set(some(1...2, of: ["C0", "C1", "backup"])) }
            if hits(3) { connector.messageSize = one(of: [100, 400, 800]) }
            routes.append(connector)
        }
        let accepted = some(0...3, of: ["corp.example", "*.lab.example", "*.corp.example"])
        return Rulebook(
            receiveConnectors: connectors,
            acceptedDomains: accepted.map {
                AcceptedDomain(domain: domain($0), kind: one(of: AcceptedDomain.Kind.allCases))
            },
            sendConnectors: routes
        )
    }

    private mutating func door(_ number: Int) -> ReceiveConnector {
        let ranges = [
            "10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "10.1.2.3", "10.1.2.3-10.1.2.9", "::/0",
            "10.1.0.5-10.1.9.9", "0.0.0.0/0", "2001:db8::/32", "2001:db8::/64", "2001:db8::9",
            "2001:db8::8-2001:db8:0:1::9",
        ]
        let places = ["0.0.0.0:25", "[::]:25", "10.0.0.1:25", "0.0.0.0:587", "[2001:db8::1]:25"]
        var connector = smtp(
            "C\(number)",
            at: some(1...2, of: places),
            from: hits(4) ? [] : some(1...2, of: ranges)
        )
        connector.isEnabled = !hits(8)
        connector.tls.mode = one(of: [.none, .none, .offered, .offered, .required, .implicit])
        let groups: [Set<ReceiveConnector.PermissionGroup>] = [
            [.anonymous], [.applications], [.anonymous, .applications],
            [.anonymous, .applications], [],
        ]
        connector.permissionGroups = one(of: groups)
        connector.rights = Rights(
            some(
                0...4,
                of: [
                    .acceptAnyRecipient, .acceptAnySender, .acceptAuthoritativeDomainSender,
                    .bypassMessageSizeLimit,
                ]
            )
        )
        connector.limits.messageSize = 1000
        connector.limits.recipients = one(of: [1, 2, 4])
        return connector
    }

    mutating func submission(at connector: ReceiveConnector) -> Submission {
        let principal: Principal
        switch Int.random(in: 0...7, using: &self) {
        case 0: principal = .postern
        case 1...3: principal = .anonymous
        default:
            var senders: [AddressPattern] = []
            var recipients: [AddressPattern] = []
            if hits(2) { for _ in 0..<2 { senders.append(addressPattern()) } }
            if hits(3) { for _ in 0..<3 { recipients.append(addressPattern()) } }
            principal = .application(
                Applicant(
                    id: ApplicationID(high: 1, low: 1),
                    name: one(of: ["backup", "siem"]),
                    mayRelay: hits(2),
                    senders: senders,
                    recipients: recipients
                )
            )
        }
        var recipients: [Mailbox] = []
        for _ in 0..<Int.random(in: 1...3, using: &self) { recipients.append(address()) }
        return Submission(
            client: Client(
                connector: connector,
                peer: ip(one(of: Self.peers)),
                principal: principal,
                isSecure: hits(2)
            ),
            sender: hits(4) ? .null : .mailbox(address()),
            recipients: recipients,
            authors: hits(3) ? [address()] : [],
            octets: one(of: [0, 100, 101, 500, 1000, 1001]),
            hops: one(of: [0, 3, 30, 31])
        )
    }
}
