import Testing

@testable import Delivery

private func reply(_ code: Int, _ enhanced: String? = nil, _ text: String = "") -> HopReply {
    HopReply(code: code, enhanced: enhanced, text: text, host: "mx:25")
}

@Suite("What a reply means")
struct FindingTests {
    @Test(
        "depends on its phase, its code and its enhanced code",
        arguments: [
            (Phase.greeting, reply(220), Finding.accepted),
            (.greeting, reply(421, "4.3.2"), .hostCondition),
            (.greeting, reply(554), .hostCondition),
            (.hello, reply(502), .hostCondition),
            (.startTLS, reply(454, "4.7.0"), .hostCondition),
            (.authentication, reply(235), .accepted),
            (.authentication, reply(535, "5.7.3"), .routeCondition),
            (.authentication, reply(454), .routeCondition),
            (.mail, reply(250, "2.1.0"), .accepted),
            (.mail, reply(421, "4.4.2"), .routeCondition),
            (.mail, reply(432, "4.3.2"), .routeCondition),
            (.mail, reply(452, "4.3.1"), .routeCondition),
            (.mail, reply(530, "5.7.57"), .routeCondition),
            (.mail, reply(451, nil, "5.7.3 Must issue a STARTTLS command first"), .routeCondition),
            (.mail, reply(450, "4.2.1", "Try again later"), .routeCondition),
            (.mail, reply(451, "4.7.1"), .deferred),
            (.mail, reply(550, "5.7.60"), .failed),
            (.mail, reply(552, "5.3.4"), .failed),
            (.mail, reply(550, "5.4.5", "Daily sending quota exceeded"), .routeCondition),
            (.recipient, reply(250), .accepted),
            (.recipient, reply(251), .accepted),
            (.recipient, reply(450, "4.2.1"), .deferred),
            (.recipient, reply(452, "4.5.3"), .again),
            (.recipient, reply(452, nil, "Too many recipients"), .again),
            (.recipient, reply(452, "4.2.2", "Mailbox full"), .deferred),
            (.recipient, reply(550, "5.1.1"), .failed),
            (.recipient, reply(552, "5.2.2", "Quota exceeded"), .failed),
            (.recipient, reply(550, "5.7.1", "Daily SMTP relay limit exceeded"), .routeCondition),
            (.recipient, reply(550, "5.7.1", "Unable to relay"), .failed),
            (.data, reply(354), .accepted),
            (.data, reply(250), .deferred),
            (.data, reply(554), .failed),
            (.afterContent, reply(250, "2.6.0"), .accepted),
            (.afterContent, reply(451, "4.3.0"), .deferred),
            (.afterContent, reply(554, "5.6.0"), .failed),
            (.afterContent, reply(432, "4.3.2", "STOREDRV.ClientSubmit"), .routeCondition),
            (
                .afterContent, reply(554, "5.2.0", "SubmissionQuotaExceededException"),
                .routeCondition
            ),
            (.afterContent, reply(554, "5.2.0", "content refused"), .failed),
        ]
    )
    func meaning(phase: Phase, reply: HopReply, finding: Finding) {
        #expect(Finding(on: reply, in: phase) == finding)
    }
}
