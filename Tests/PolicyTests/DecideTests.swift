import Mail
import Testing

@testable import Policy

@Suite("The decision")
struct DecideTests {
    private static func submission(
        _ principal: Principal = .anonymous,
        from sender: String = "a@corp.example",
        to recipients: [String] = ["x@corp.example"],
        by authors: [String] = [],
        octets: Int = 10,
        hops: Int = 0,
        _ change: (inout ReceiveConnector) -> Void = { _ in }
    ) -> Submission {
        let connector = smtp {
            $0.limits.messageSize = 1000
            $0.limits.recipients = 3
            change(&$0)
        }
        return Submission(
            client: client(principal, at: connector),
            sender: ReversePath(sender),
            recipients: recipients.map { Mailbox($0) },
            authors: authors.map { Mailbox($0) },
            octets: octets,
            hops: hops
        )
    }

    @Test("a connector's other sender is for what is kept: the rules judge who has written")
    func rewriting() {
        let rewrite = SenderRewrite(to: Mailbox("relay@corp.example"))
        let taken = rules().decide(Self.submission(from: "ups@x.example") { $0.rewrite = rewrite })
        #expect(taken.approval?.sender == ReversePath("relay@corp.example"))
        let notes = taken.findings.filter { $0.rule == .sender }.map(\.note)
        #expect(notes.last == "C rewrites the sender to relay@corp.example", "\(notes)")
        let report = rules().decide(Self.submission(from: "") { $0.rewrite = rewrite })
        #expect(report.approval?.sender == .null)
        let spoof = rules().decide(
            Self.submission(from: "ups@x.example") {
                $0.rewrite = rewrite
                $0.rights.remove(.acceptAnySender)
            }
        )
        #expect(spoof.refusal?.reply == .senderNotAllowed)
        let plain = rules().decide(Self.submission(from: "ups@x.example"))
        #expect(plain.approval?.sender == ReversePath("ups@x.example"))
        #expect(plain.findings.count == taken.findings.count - 1)
    }

    /// Each breaks one rule more than the next: the first that SMTP would ask is the one that speaks.
    @Test("rules speak in the order in which SMTP learns the facts")
    func order() {
        var offer = Self.submission(
            .anonymous,
            from: "a@other.example",
            to: ["x@other.example", "y@other.example"],
            by: ["b@other.example"],
            octets: 1001,
            hops: 31
        ) {
            $0.tls.mode = .required
            $0.permissionGroups = [.applications]
            $0.rights = []
            $0.limits.recipients = 1
        }
        var replies: [String] = []
        let cures: [(inout Submission) -> Void] = [
            { $0.client = $0.client.with(isSecure: true) },
            { $0.client = $0.client.with(principal: .app()) },
            { $0.sender = ReversePath("a@corp.example") }, { $0.octets = 1000 },
            { $0.recipients = [Mailbox("x@corp.example"), Mailbox("y@corp.example")] },
            { $0.recipients.removeLast() }, { $0.authors = [] }, { $0.hops = 30 },
        ]
        for cure in cures {
            let decision = rules().decide(offer)
            #expect(decision.approval == nil)
            #expect(decision.findings.last?.refusal == decision.refusal)
            replies.append(decision.refusal.map { "\($0.rule) \($0.reply.enhanced)" } ?? "none")
            cure(&offer)
        }
        #expect(
            replies == [
                "tls 5.7.3", "submit 5.7.57", "sender 5.7.60", "limits 5.3.4",
                "recipient 5.7.54", "limits 4.5.3", "sender 5.7.60", "limits 5.4.6",
            ]
        )
        #expect(rules().decide(offer).approval != nil)
    }

    @Test("an approval carries who, whence and by which route")
    func approval() throws {
        let book = rules(by: [route("Exchange", ["corp.example"]), route("Lab", ["*.lab.example"])])
        let decision = book.decide(Self.submission(to: ["x@corp.example", "y@a.lab.example"]))
        let approval = try #require(decision.approval)
        #expect(approval.connector == "C" && approval.principal == .anonymous)
        #expect(approval.sender == ReversePath("a@corp.example"))
        #expect(approval.recipients.map(\.route) == ["Exchange", "Lab"])
        #expect(approval.recipients.map(\.mailbox.localPart) == ["x", "y"])
        #expect(decision.refusal == nil && decision.refused.isEmpty)
        #expect(
            decision.findings.map(\.rule) == [
                .connector, .tls, .submit, .sender, .limits, .recipient, .limits, .route,
                .recipient, .route, .limits,
            ]
        )
    }

    @Test("one refused recipient refuses the whole, and every refused one is named")
    func whole() {
        let decision = rules(by: [route("R", ["corp.example"])]).decide(
            Self.submission(to: ["x@other.example", "y@corp.example", "z@lab.example"])
        )
        #expect(decision.approval == nil)
        #expect(decision.refusal?.reply == .unableToRelay)
        #expect(decision.refused.map(\.mailbox.localPart) == ["x", "z"])
        #expect(decision.refused.map(\.refusal.reply) == [.unableToRelay, .noRoute])
    }

    @Test("partially: the allowed go, the others are named")
    func partial() {
        let decision = rules().decide(
            Self.submission(to: ["x@other.example", "y@corp.example"]),
            partially: true
        )
        #expect(decision.approval?.recipients.map(\.mailbox.localPart) == ["y"])
        #expect(decision.refusal == nil)
        #expect(decision.refused.map(\.mailbox.localPart) == ["x"])
    }

    @Test("partially with nobody left is a refusal")
    func partialNobody() {
        let decision = rules().decide(
            Self.submission(to: ["x@other.example"]),
            partially: true
        )
        #expect(decision.approval == nil)
        #expect(decision.refusal?.reply == .unableToRelay)
    }

    @Test("partially, a refusal of the whole is still one of the whole")
    func partialWhole() {
        let offer = Self.submission(
            to: ["x@other.example", "y@corp.example"],
            by: ["b@other.example"]
        ) { $0.rights = [.acceptAuthoritativeDomainSender] }
        let decision = rules().decide(offer, partially: true)
        #expect(decision.approval == nil)
        #expect(decision.refusal?.reply == .senderNotAllowed)
        #expect(decision.refused.isEmpty)
    }

    @Test("a mail for nobody is refused, not left undecided")
    func nobody() {
        for partially in [false, true] {
            let decision = rules().decide(Self.submission(to: []), partially: partially)
            #expect(decision.approval == nil)
            #expect(decision.refusal?.reply.line == "503 5.5.2 Need rcpt command")
        }
    }

    @Test("every author is held to the sender's rule, whoever the envelope names")
    func authors() {
        let own = ["a@corp.example", "b@corp.example"]
        for sender in ["", "a@corp.example"] {
            let good = Self.submission(.app(), from: sender, by: own) {
                $0.permissionGroups = [.applications]
            }
            #expect(rules().decide(good).approval != nil)
            var bad = good
            bad.authors.append(Mailbox("c@other.example"))
            #expect(rules().decide(bad).refusal?.reply == .senderNotAllowed)
        }
    }
}
