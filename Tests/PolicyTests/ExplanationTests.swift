import Mail
import Testing

@testable import Policy

/// The explanation is for people: who reads it learns which rule spoke, of whom, and why.
@Suite("What a decision says of itself")
struct ExplanationTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var principal = Principal.anonymous
        var from = "fax@corp.example"
        var to = "anna@corp.example"
        var authors: [String] = []
        var octets = 10
        var hops = 0
        var change: @Sendable (inout ReceiveConnector) -> Void = { _ in }
        let says: [String]
        var reply: String?
    }

    private static let door = "connector: Default serves 192.0.2.9"
    private static let clear = "tls: TLS is not demanded"
    private static let open = "submit: the connector serves the anonymous"
    private static let own = "sender: the anonymous hold acceptAuthoritativeDomainSender"
    private static let small = "limits: 10 octets of at most 1000"
    private static let one = "limits: 1 of at most 3 recipients"
    private static let ours = "recipient: corp.example is an accepted domain"
    private static let way = "route: corp.example goes by Exchange"
    private static let near = "limits: 0 of at most 30 hops"
    private static let notOurs =
        "recipient: elsewhere.example is no accepted domain and there is no right to relay"

    static let cases = [
        Case(
            testDescription: "internal relay of the anonymous",
            says: [door, clear, open, own, small, ours, one, way, near]
        ),
        Case(
            testDescription: "external relay of the anonymous",
            to: "x@elsewhere.example",
            says: [door, clear, open, own, small, notOurs],
            reply: "550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain"
        ),
        Case(
            testDescription: "external relay by range",
            to: "x@elsewhere.example",
            change: { $0.rights.insert(.acceptAnyRecipient) },
            says: [
                door, clear, open, own, small,
                "recipient: the anonymous hold acceptAnyRecipient", one,
                "route: elsewhere.example goes by Internet", near,
            ]
        ),
        Case(
            testDescription: "external relay after a logon",
            principal: .app(mayRelay: true),
            to: "x@elsewhere.example",
            change: { $0.permissionGroups = [.applications] },
            says: [
                door, clear, "submit: the connector serves applications; this is backup",
                "sender: corp.example is an accepted domain", small,
                "recipient: backup may relay to external recipients", one,
                "route: elsewhere.example goes by Internet", near,
            ]
        ),
        Case(
            testDescription: "TLS demanded",
            change: { $0.tls.mode = .required },
            says: [door, "tls: the connector demands TLS and the session has none"],
            reply: "451 5.7.3 Must issue a STARTTLS command first"
        ),
        Case(
            testDescription: "the anonymous at a door for applications",
            change: { $0.permissionGroups = [.applications] },
            says: [door, clear, "submit: the anonymous may not submit on this connector"],
            reply: "530 5.7.57 SMTP; Client was not authenticated to send anonymous mail during"
                + " MAIL FROM"
        ),
        Case(
            testDescription: "an application at a door for the anonymous",
            principal: .app(),
            says: [door, clear, "submit: applications may not submit on this connector"],
            reply: "530 5.7.57 SMTP; Client was not authenticated to send anonymous mail during"
                + " MAIL FROM"
        ),
        Case(
            testDescription: "a spoofed sender of our own",
            change: { $0.rights.remove(.acceptAuthoritativeDomainSender) },
            says: [
                door, clear, open,
                "sender: the anonymous lack acceptAuthoritativeDomainSender here for"
                    + " fax@corp.example",
            ],
            reply: "550 5.7.60 SMTP; Client does not have permissions to send as this sender"
        ),
        Case(
            testDescription: "a foreign sender where only our own may",
            from: "a@elsewhere.example",
            change: { $0.rights.remove(.acceptAnySender) },
            says: [
                door, clear, open,
                "sender: the anonymous lack acceptAnySender here for a@elsewhere.example",
            ],
            reply: "550 5.7.60 SMTP; Client does not have permissions to send as this sender"
        ),
        Case(
            testDescription: "the null sender",
            from: "",
            change: { $0.rights = [] },
            says: [
                door, clear, open, "sender: the null sender is never refused for itself", small,
                ours, one, way, near,
            ]
        ),
        Case(
            testDescription: "a From that the application may not use",
            principal: .app(senders: ["fax@corp.example", "*@*.lab.example"]),
            authors: ["fax@corp.example", "boss@corp.example"],
            change: { $0.permissionGroups = [.applications] },
            says: [
                door, clear, "submit: the connector serves applications; this is backup",
                "sender: backup may send as fax@corp.example", small, ours, one, way,
                "sender: backup may send as fax@corp.example",
                "sender: backup may send only as fax@corp.example, *@*.lab.example, not as"
                    + " boss@corp.example",
            ],
            reply: "550 5.7.60 SMTP; Client does not have permissions to send as this sender"
        ),
        Case(
            testDescription: "a recipient beyond the application's bounds",
            principal: .app(recipients: ["*@*.lab.example"]),
            change: { $0.permissionGroups = [.applications] },
            says: [
                door, clear, "submit: the connector serves applications; this is backup",
                "sender: corp.example is an accepted domain", small,
                "recipient: backup may not send to anna@corp.example",
            ],
            reply: "550 5.7.1 SMTP; Client does not have permissions to send to this recipient"
        ),
        Case(
            testDescription: "the gateway's own report",
            principal: .postern,
            from: "",
            to: "x@elsewhere.example",
            change: { $0.permissionGroups = [] },
            says: [
                door, clear, "submit: the gateway itself",
                "sender: the null sender is never refused for itself", small,
                "recipient: the gateway itself", one, "route: elsewhere.example goes by Internet",
                near,
            ]
        ),
        Case(
            testDescription: "too large",
            octets: 1001,
            says: [door, clear, open, own, "limits: 1001 octets exceed the limit of 1000"],
            reply: "552 5.3.4 Message size exceeds fixed maximum message size"
        ),
        Case(
            testDescription: "too large, with the right to it",
            octets: 1001,
            change: { $0.rights.insert(.bypassMessageSizeLimit) },
            says: [
                door, clear, open, own, "limits: 1001 octets of at most any", ours, one, way, near,
            ]
        ),
        Case(
            testDescription: "a loop",
            hops: 31,
            says: [
                door, clear, open, own, small, ours, one, way,
                "limits: 31 Received fields, more than 30",
            ],
            reply: "554 5.4.6 Hop count exceeded - possible mail loop"
        ),
    ]

    @Test("rule by rule, up to the one that refused", arguments: cases)
    func explanation(_ case: Case) {
        let connector = smtp("Default") {
            $0.limits.messageSize = 1000
            $0.limits.recipients = 3
            `case`.change(&$0)
        }
        let book = rules(by: [route("Exchange", ["corp.example"]), route("Internet", ["*"])])
        let decision = book.decide(
            Submission(
                client: client(`case`.principal, at: connector),
                sender: ReversePath(`case`.from),
                recipients: [Mailbox(`case`.to)],
                authors: `case`.authors.map { Mailbox($0) },
                octets: `case`.octets,
                hops: `case`.hops
            )
        )
        #expect(decision.findings.map { "\($0.rule): \($0.note)" } == `case`.says)
        #expect(decision.refusal?.reply.line == `case`.reply)
        #expect((decision.approval == nil) == (`case`.reply != nil))
    }
}
