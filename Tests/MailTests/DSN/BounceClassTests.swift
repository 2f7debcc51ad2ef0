import Testing

@testable import Mail

/// What servers really say.
private let replies: [(code: Int, enhanced: String?, text: String, kind: BounceClass, hard: Bool)] =
    [
        (
            550, "5.1.1", "<x@corp.example>: Recipient address rejected: User unknown", .badMailbox,
            true
        ),
        (
            550, "5.1.10", "RESOLVER.ADR.RecipientNotFound; Recipient x@corp.example not found",
            .badMailbox, true
        ),
        (
            550, "5.1.1", "The email account that you tried to reach does not exist.", .badMailbox,
            true
        ),
        (550, nil, "No such user here", .badMailbox, true),
        (550, "5.2.1", "The email account that you tried to reach is inactive.", .inactive, true),
        (450, "4.2.1", "The user is receiving mail at a rate that is too high", .inactive, false),
        (0, "5.1.2", "the domain corp.invalid does not exist", .badDomain, true),
        (0, "5.1.10", "corp.example accepts no mail", .badMailbox, true),
        (
            552, "5.2.2", "The email account that you tried to reach is over quota", .mailboxFull,
            false
        ),
        (452, "4.2.2", "Mailbox full", .mailboxFull, false),
        (
            552, nil, "Requested mail action aborted: exceeded storage allocation", .mailboxFull,
            false
        ),
        (552, "5.3.4", "Message size exceeds fixed maximum message size", .size, false),
        (
            552, "5.7.0",
            "This message was blocked because its content presents a potential security issue (attachment)",
            .content, false
        ),
        (
            550, "5.7.1", "Service unavailable, Client host [192.0.2.1] blocked using Spamhaus",
            .reputation, false
        ),
        (554, "5.7.1", "Message rejected as spam by Content Filtering", .spam, false),
        (
            550, "5.7.26",
            "Unauthenticated email from corp.example is not accepted due to domain's DMARC policy",
            .senderAuthentication, false
        ),
        (550, "5.7.1", "Unable to relay", .policy, false),
        (550, "5.7.64", "TenantAttribution; Relay Access Denied", .policy, false),
        (
            535, "5.7.139", "Authentication unsuccessful, basic authentication is disabled",
            .authentication, false
        ),
        (550, "5.4.5", "Daily user sending limit exceeded", .quota, false),
        (
            554, "5.2.0", "STOREDRV.Submission.Exception:SubmissionQuotaExceededException", .quota,
            false
        ),
        (550, "5.7.1", "Daily SMTP relay limit exceeded for user", .quota, false),
        (554, "5.4.6", "Hop count exceeded - possible mail loop", .routing, false),
        (0, "4.4.1", "connect to mx.corp.example: connection refused", .connection, false),
        (0, "4.4.2", "connection closed by peer (after the final dot)", .connection, false),
        (550, "4.4.7", "SMTPSEND; Message expired", .expired, false),
        (450, "4.7.1", "Greylisted, try again in 300 seconds", .policy, false),
        (451, "4.3.0", "Temporary lookup failure", .system, false),
        (500, nil, "eh?", .protocol, false),
        (554, nil, "Transaction failed", .other, false),
        (250, nil, "fine", .other, false),
    ]

@Suite("A bounce is classified") struct BounceClassTests {
    @Test("by its codes and its words", arguments: replies)
    func kind(of reply: (code: Int, enhanced: String?, text: String, kind: BounceClass, hard: Bool))
    {
        let found = BounceClass(code: reply.code, enhanced: reply.enhanced, text: reply.text)
        #expect(found == reply.kind, "\(reply.text)")
        #expect(
            BounceClass.isHardBounce(code: reply.code, enhanced: reply.enhanced, text: reply.text)
                == reply.hard,
            "\(reply.text)"
        )
    }

    @Test("and nothing that may pass with time counts as hard", arguments: BounceClass.allCases)
    func transient(_ kind: BounceClass) {
        #expect(!BounceClass.isHardBounce(code: 450, enhanced: "4.1.1", text: kind.rawValue))
        #expect(!BounceClass.isHardBounce(code: 0, enhanced: "4.1.1", text: "no such user"))
    }

    @Test("without a trap, whatever is said")
    func garbage() {
        var dice = SeededGenerator(7)
        for _ in 0..<2000 {
            let text = String(
                decoding: (0..<20).map { _ in UInt8.random(in: 0...255, using: &dice) },
                as: UTF8.self
            )
            let code = Int.random(in: -1...999, using: &dice)
            _ = BounceClass(code: code, enhanced: text, text: text)
        }
    }
}
