import Mail
import Testing

@testable import Policy

/// Contract section 4, each rule by itself, with the reply as it goes over the wire.
@Suite("Each rule")
struct RuleTests {
    private func outcome(_ finding: Finding, _ rule: Rule) -> String? {
        #expect(finding.rule == rule)
        #expect(!finding.note.isEmpty)
        #expect(finding.refusal.map { $0.rule == rule } ?? true)
        return finding.refusal?.reply.line
    }

    static let tls: [(TLSPolicy.Mode, isSecure: Bool, passes: Bool)] = [
        (.none, false, true), (.none, true, true), (.offered, false, true), (.offered, true, true),
        (.required, false, false), (.required, true, true), (.implicit, false, false),
        (.implicit, true, true),
    ]

    @Test("2: TLS that is demanded and absent", arguments: tls)
    func secure(mode: TLSPolicy.Mode, isSecure: Bool, passes: Bool) {
        let connector = smtp { $0.tls.mode = mode }
        for principal in [Principal.anonymous, .app()] {
            let finding = rules().examineTLS(client(principal, at: connector, isSecure: isSecure))
            let expected = passes ? nil : "451 5.7.3 Must issue a STARTTLS command first"
            #expect(outcome(finding, .tls) == expected)
        }
    }

    typealias Groups = Set<ReceiveConnector.PermissionGroup>
    static let submitters: [(Principal, Groups, passes: Bool)] = [
        (.anonymous, [.anonymous], true), (.anonymous, [.applications], false),
        (.anonymous, [], false), (.anonymous, [.anonymous, .applications], true),
        (.app(), [.applications], true), (.app(), [.anonymous], false), (.app(), [], false),
        (.app(), [.anonymous, .applications], true), (.postern, [], true),
    ]

    @Test("3: who may submit at all", arguments: submitters)
    func submit(principal: Principal, groups: Groups, passes: Bool) {
        let connector = smtp { $0.permissionGroups = groups }
        let expected =
            "530 5.7.57 SMTP; Client was not authenticated to send anonymous mail during"
            + " MAIL FROM"
        let finding = rules().examineSubmit(client(principal, at: connector))
        #expect(outcome(finding, .submit) == (passes ? nil : expected))
    }

    static let anySender: Rights = [.acceptAnySender]
    static let ownSender: Rights = [.acceptAuthoritativeDomainSender]
    static let senders: [(Principal, Rights, sender: String, passes: Bool)] = [
        (.anonymous, .anonymousGroup, "a@corp.example", true),
        (.anonymous, .anonymousGroup, "a@other.example", true),
        (.anonymous, .anonymousGroup, "", true),
        (.anonymous, anySender, "a@corp.example", false),
        (.anonymous, anySender, "a@deep.lab.example", false),
        (.anonymous, anySender, "a@lab.example", false),
        (.anonymous, anySender, "a@sub.corp.example", true),
        (.anonymous, anySender, "a@other.example", true),
        (.anonymous, anySender, "", true),
        (.anonymous, ownSender, "a@corp.example", true),
        (.anonymous, ownSender, "a@other.example", false),
        (.anonymous, ownSender, "", true),
        (.anonymous, [], "a@corp.example", false), (.anonymous, [], "a@other.example", false),
        (.anonymous, [], "", true),
        (.anonymous, [.acceptAnyRecipient], "a@other.example", false),
        (.app(), [], "a@corp.example", true), (.app(), [], "a@deep.lab.example", true),
        (.app(), .anonymousGroup, "a@other.example", false),
        (.app(mayRelay: true), .anonymousGroup, "a@other.example", false),
        (.app(), [], "", true),
        (.app(senders: ["b@corp.example"]), .anonymousGroup, "a@corp.example", false),
        (.app(senders: ["b@corp.example"]), [], "B@corp.example", true),
        (.app(senders: ["x@y.example", "*@other.example"]), [], "a@other.example", true),
        (.app(senders: ["*@*.other.example"]), [], "a@deep.other.example", true),
        (.app(senders: ["*@*.other.example"]), [], "a@corp.example", false),
        (.app(senders: ["*"]), [], "a@anywhere.example", true),
        (.app(senders: ["b@corp.example"]), [], "", true),
        (.postern, [], "a@other.example", true), (.postern, [], "", true),
    ]

    @Test("4: as whom", arguments: senders)
    func sender(principal: Principal, rights: Rights, address: String, passes: Bool) {
        let connector = smtp { $0.rights = rights }
        let expected = "550 5.7.60 SMTP; Client does not have permissions to send as this sender"
        let finding = rules().examineSender(
            ReversePath(address),
            of: client(principal, at: connector)
        )
        #expect(outcome(finding, .sender) == (passes ? nil : expected))
    }

    static let relay = "550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain"
    static let bound = "550 5.7.1 SMTP; Client does not have permissions to send to this recipient"
    static let recipients: [(Principal, Rights, recipient: String, expected: String?)] = [
        (.anonymous, .anonymousGroup, "x@corp.example", nil),
        (.anonymous, [], "x@deep.lab.example", nil),
        (.anonymous, .anonymousGroup, "x@sub.corp.example", relay),
        (.anonymous, .anonymousGroup, "x@other.example", relay),
        (.anonymous, [.acceptAnyRecipient], "x@other.example", nil),
        (.app(), [], "x@corp.example", nil),
        // The rights of a connector serve the anonymous only.
        (.app(), [.acceptAnyRecipient], "x@other.example", relay),
        (.app(mayRelay: true), [], "x@other.example", nil),
        (.app(recipients: ["*@corp.example"]), [], "x@corp.example", nil),
        (.app(recipients: ["*@corp.example"]), [], "x@lab.example", bound),
        // Rule 5 first: its bounds give an application nothing that the rule denies.
        (.app(recipients: ["*@other.example"]), [], "x@other.example", relay),
        (.app(recipients: ["*@corp.example"]), [], "x@other.example", relay),
        (.app(mayRelay: true, recipients: ["*@corp.example"]), [], "x@other.example", bound),
        (.app(mayRelay: true, recipients: ["*@*.other.example"]), [], "x@a.other.example", nil),
        (.app(mayRelay: true, recipients: ["y@other.example"]), [], "x@other.example", bound),
        (.postern, [], "x@other.example", nil),
    ]

    @Test("5: to whom", arguments: recipients)
    func recipient(principal: Principal, rights: Rights, address: String, expected: String?) {
        let connector = smtp { $0.rights = rights }
        let finding = rules().examineRecipient(
            Mailbox(address),
            of: client(principal, at: connector)
        )
        #expect(outcome(finding, .recipient) == expected)
    }

    @Test("5: accepted domains of every type are accepted", arguments: AcceptedDomain.Kind.allCases)
    func kinds(kind: AcceptedDomain.Kind) {
        let book = Rulebook(
            receiveConnectors: [],
            acceptedDomains: [AcceptedDomain(domain: domain("corp.example"), kind: kind)],
            sendConnectors: []
        )
        let finding = book.examineRecipient(Mailbox("x@corp.example"), of: client())
        #expect(finding.refusal == nil)
    }

    static let sizes: [(Principal, Rights, octets: Int, passes: Bool)] = [
        (.anonymous, [], 0, true), (.anonymous, [], 1000, true), (.anonymous, [], 1001, false),
        (.anonymous, [.bypassMessageSizeLimit], 1 << 40, true), (.app(), [], 1000, true),
        (.app(), [.bypassMessageSizeLimit], 1001, false), (.postern, [], 1001, false),
    ]

    @Test("6: size", arguments: sizes)
    func size(principal: Principal, rights: Rights, octets: Int, passes: Bool) {
        let connector = smtp {
            $0.limits.messageSize = 1000
            $0.rights = rights
        }
        let finding = rules().examineSize(octets, of: client(principal, at: connector))
        let expected = "552 5.3.4 Message size exceeds fixed maximum message size"
        #expect(outcome(finding, .limits) == (passes ? nil : expected))
    }

    @Test("6: recipients and hops, up to the limit and not beyond")
    func counts() {
        let client = client(
            at: smtp {
                $0.limits.recipients = 3
                $0.limits.hops = 4
            }
        )
        #expect(outcome(rules().examineCount(ofRecipients: 3, of: client), .limits) == nil)
        #expect(
            outcome(rules().examineCount(ofRecipients: 4, of: client), .limits)
                == "452 4.5.3 Too many recipients"
        )
        #expect(outcome(rules().examineHops(4, of: client), .limits) == nil)
        #expect(
            outcome(rules().examineHops(5, of: client), .limits)
                == "554 5.4.6 Hop count exceeded - possible mail loop"
        )
    }

    @Test("the replies that the doors give by themselves are the contract's")
    func words() {
        #expect(Reply.noConnector.line == "421 4.3.2 Service not available")
        #expect(
            Reply.rateExceeded.line
                == "421 4.4.2 Message submission rate for this client has exceeded the configured"
                + " limit"
        )
        #expect(
            Reply.tooManyConnections.line
                == "421 4.3.2 The maximum number of concurrent connections has exceeded a limit,"
                + " closing transmission channel"
        )
        #expect(Reply.insufficientResources.line == "452 4.3.1 Insufficient system resources")
    }

    @Test("the defaults of a connector are the contract's")
    func defaults() {
        let limits = ReceiveLimits()
        #expect(limits.messageSize == 36 * 1024 * 1024 && limits.headerSize == 256 * 1024)
        #expect(limits.recipients == 200 && limits.hops == 30 && limits.messagesPerMinute == nil)
        #expect(limits.connections == 5000 && limits.connectionsPerSource == 20)
        #expect(limits.inactivity == .seconds(300) && limits.lifetime == .seconds(600))
        #expect(limits.protocolErrors == 5 && limits.logonFailures == 3)
        #expect(limits.tarpit == .seconds(5))
        #expect(ReceiveLimits.http.connectionsPerSource == nil)
        #expect(
            ReceiveLimits.http.inactivity == .seconds(75) && ReceiveLimits.http.lifetime == .zero
        )
        #expect(Rights.anonymousGroup == [.acceptAnySender, .acceptAuthoritativeDomainSender])
    }
}
