import Mail
import Net
import Testing

@testable import Delivery
@testable import Store

private let now = Timestamp(milliseconds: 1_800_000_000_000)
private let application = ApplicationID(at: now)

private func entry(
    sender: ReversePath = .mailbox(Mailbox(localPart: "a", domain: "corp.example")),
    notify: DSNNotify? = nil,
    application: ApplicationID? = nil
) -> QueueEntry {
    QueueEntry(
        key: RecipientKey(message: MessageKey(row: 1), index: 0),
        id: MessageID(at: now),
        mailbox: Mailbox(localPart: "b", domain: "x.example"),
        sender: sender,
        route: "r",
        due: now,
        createdAt: now,
        octets: 10,
        application: application,
        connector: "c",
        dsn: DSNRequest(recipient: DSNRecipient(notify: notify))
    )
}

private let yes = HopReply(code: 250, enhanced: "2.0.0", text: "ok", host: "h")
private let no = HopReply(code: 550, enhanced: "5.1.1", text: "user unknown", host: "h")
private let lost = HopReply(code: 0, enhanced: "4.4.2", text: "lost", host: "h")

@Suite("A judgement") struct JudgementTests {
    static let duties: [(DSNNotify?, Outcome, handsOn: Bool, ReportKind?)] = [
        (nil, .relayed(yes), false, nil),
        (.success, .relayed(yes), false, .relayed),
        (.success, .relayed(yes), true, nil),
        ([.success, .failure], .failed(no), true, .failed),
        (nil, .failed(no), true, .failed),
        (.failure, .failed(no), false, .failed),
        (.success, .failed(no), false, nil),
        (.never, .failed(no), false, nil),
        (.never, .relayed(yes), false, nil),
        (.delay, .deferred(lost), false, nil),
        (nil, .uncertain(lost), false, nil),
    ]
    @Test("owes the sender what NOTIFY asks for, and failure without it", arguments: duties)
    func duty(notify: DSNNotify?, outcome: Outcome, handsOn: Bool, kind: ReportKind?) {
        #expect(report(on: entry(notify: notify), outcome, handsOn: handsOn) == kind)
    }

    @Test("owes nothing to the null sender, nor where reports are off")
    func nobody() {
        #expect(report(on: entry(sender: .null), .failed(no), handsOn: false) == nil)
        let off = DeliverySettings(notifySender: false)
        #expect(report(on: entry(), .failed(no), handsOn: false, off) == nil)
    }

    @Test("of mail that grew too old owes a failure, and names it 4.4.7")
    func expiry() {
        let judge = Judge(settings: DeliverySettings(), now: now, chance: 0)
        let settlement = judge.expire(QueuedRecipient(entry())).settlement
        #expect(settlement?.report == .failed)
        #expect(settlement?.detail.first { $0.0 == "enhanced" }?.1 == "4.4.7")
    }

    static let ends: [(Outcome, ApplicationID?, escalates: Bool)] = [
        (.failed(no), application, true), (.failed(no), nil, false),
        (.failed(no), ApplicationID(at: now + .seconds(1)), false),
        (.relayed(yes), application, false), (.uncertain(lost), application, false),
        (.deferred(lost), application, false),
    ]
    @Test("escalates what fails, of the applications that ask for it", arguments: ends)
    func escalation(outcome: Outcome, of own: ApplicationID?, escalates: Bool) {
        let recipient = QueuedRecipient(entry(application: own))
        let errand = Errand(recipients: [recipient])
        var judge = Judge(settings: DeliverySettings(), now: now, chance: 0)
        let report = AttemptReport(outcomes: [outcome])
        #expect(judge.judge(errand, report)[0].settlement?.escalates == false)
        judge.escalating = [application]
        #expect(judge.judge(errand, report)[0].settlement?.escalates == escalates)
        #expect(judge.expire(recipient).settlement?.escalates == (own == application))
    }

    static let policies:
        [(DeliverySettings.Uncertainty, DeliverySettings.Uncertainty?, waits: Bool)] =
            [
                (.retry, nil, true), (.hold, nil, false), (.retry, .hold, false),
                (.hold, .retry, true),
                (.retry, .retry, true),
            ]
    @Test(
        "asks the application, then the settings, what to do when it is uncertain",
        arguments: policies
    )
    func uncertainty(
        general: DeliverySettings.Uncertainty,
        own: DeliverySettings.Uncertainty?,
        waits: Bool
    ) {
        let judge = Judge(
            settings: DeliverySettings(uncertain: general),
            uncertainties: own.map { [application: $0] } ?? [:],
            now: now,
            chance: 0
        )
        let errand = Errand(recipients: [QueuedRecipient(entry(application: application))])
        let judgement = judge.judge(errand, AttemptReport(outcomes: [.uncertain(lost)]))[0]
        #expect(judgement.settlement?.status == .uncertain)
        #expect((judgement.settlement?.due != nil) == waits)
        #expect((judgement.next != nil) == waits)
    }

    @Test("calls nothing expired that the next hop may have")
    func staysUncertain() {
        var unclear = entry()
        unclear.status = .uncertain
        unclear.attempts = 1
        let judge = Judge(settings: DeliverySettings(), now: now, chance: 0)
        let again = judge.judge(
            Errand(recipients: [QueuedRecipient(unclear)]),
            AttemptReport(outcomes: [.deferred(lost)])
        )[0]
        #expect(again.settlement?.status == .uncertain && again.settlement?.event == "deferred")
        #expect(again.next?.entry.status == .uncertain && again.settlement?.due != nil)
        let later = Judge(settings: DeliverySettings(), now: now + .seconds(999_999), chance: 0)
        for end in [
            later.expire(QueuedRecipient(unclear)),
            later.judge(
                Errand(recipients: [QueuedRecipient(unclear)]),
                AttemptReport(outcomes: [.deferred(lost)])
            )[0],
        ] {
            #expect(end.settlement?.status == .uncertain && end.settlement?.due == nil)
            #expect(end.settlement?.report == nil && end.next == nil)
        }
    }

    @Test("says of what kind a refusal was, and keeps what is known of the attempt")
    func detail() {
        var timings = PhaseTimings()
        timings.add(.microseconds(1250), to: .connect)
        timings.add(.milliseconds(3), to: .recipient)
        timings.add(.milliseconds(4), to: .recipient)
        var report = AttemptReport(outcomes: [.failed(no)])
        report.facts = AttemptFacts(address: "192.0.2.1:25", phase: .recipient, timings: timings)
        let judge = Judge(settings: DeliverySettings(), now: now, chance: 0)
        let settlement = judge.judge(Errand(recipients: [QueuedRecipient(entry())]), report)[0]
            .settlement
        #expect(settlement?.detail.first { $0.0 == "class" }?.1 == "bad_mailbox")
        #expect(
            settlement?.facts == """
                "code":550,"address":"192.0.2.1:25","tls":null,"reached":"rcpt",\
                "timings_ms":{"connect":1.2,"rcpt":7}
                """
        )
    }

    private func report(
        on entry: QueueEntry,
        _ outcome: Outcome,
        handsOn: Bool,
        _ settings: DeliverySettings = DeliverySettings()
    ) -> ReportKind? {
        var report = AttemptReport(outcomes: [outcome])
        report.handsOnReports = handsOn
        let judge = Judge(settings: settings, now: now, chance: 0)
        return judge.judge(Errand(recipients: [QueuedRecipient(entry)]), report)[0].settlement?
            .report
    }
}
