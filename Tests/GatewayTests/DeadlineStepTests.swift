import Mail
import Policy
import Testing

@testable import Gateway
@testable import Store

@Suite("What is due past a deadline") struct DeadlineStepTests {
    private static let id = ApplicationID(at: Timestamp(milliseconds: 1))

    private static func application(
        within limit: Duration? = .seconds(9),
        by route: String? = nil,
        to address: String? = nil
    ) -> ApplicationRecord {
        ApplicationRecord(
            id: id,
            name: "own",
            deliverWithin: limit,
            escalateRoute: route,
            escalateTo: address,
            createdAt: Timestamp(milliseconds: 1)
        )
    }

    private static func overdue(
        _ status: RecipientStatus?,
        at step: EscalationStep = .route,
        isEscalated: Bool = false
    ) -> Overdue {
        Overdue(
            key: RecipientKey(message: MessageKey(row: 1), index: 0),
            step: step,
            id: MessageID(at: Timestamp(milliseconds: 1)),
            application: id,
            route: "A",
            status: status,
            isEscalated: isEscalated
        )
    }

    private func step(_ overdue: Overdue, _ application: ApplicationRecord?) -> DeadlineStep {
        DeadlineStep(for: overdue, of: application, routes: ["A", "B"])
    }

    static let routes: [(RecipientStatus, within: Duration?, to: String?, DeadlineStep)] = [
        (.queued, .seconds(9), "B", .route("B")), (.deferred, .seconds(9), "B", .route("B")),
        (.sending, .seconds(9), "B", .later(.seconds(4))),
        (.held, .seconds(9), "B", .later(.seconds(9))),
        (.held, .seconds(1), "B", .later(.seconds(4))),
        (.scheduled, .seconds(9), "B", .later(.seconds(9))),
        (.uncertain, .seconds(9), "B", .none), (.relayed, .seconds(9), "B", .none),
        (.failed, .seconds(9), "B", .none), (.canceled, .seconds(9), "B", .none),
        (.deferred, nil, "B", .none), (.deferred, .seconds(9), nil, .none),
        (.deferred, .seconds(9), "A", .none), (.deferred, .seconds(9), "Gone", .lostRoute("Gone")),
    ]

    @Test("only what waits goes, and only by another route that there is", arguments: routes)
    func route(status: RecipientStatus, within: Duration?, to: String?, expected: DeadlineStep) {
        let application = Self.application(within: within, by: to)
        #expect(step(Self.overdue(status), application) == expected)
        #expect(step(Self.overdue(status), nil) == .none)
    }

    @Test("whatever cannot go by another route is told to somebody else", arguments: routes)
    func recipient(status: RecipientStatus, within: Duration?, to: String?, first: DeadlineStep) {
        let application = Self.application(within: within, by: to, to: "oncall@corp.example")
        let isOver = [.relayed, .delivered, .canceled].contains(status) || within == nil
        let expected = first == .none && !isOver ? DeadlineStep.recipient : first
        #expect(step(Self.overdue(status), application) == expected)
    }

    @Test("after the route only somebody else is left, once a message")
    func second() {
        let application = Self.application(by: "B", to: "oncall@corp.example")
        for status in [RecipientStatus.queued, .deferred, .failed, .expired, .suppressed] {
            #expect(step(Self.overdue(status, at: .recipient), application) == .recipient)
            let told = Self.overdue(status, at: .recipient, isEscalated: true)
            #expect(step(told, application) == .none)
            let withoutAddress = Self.application(by: "B")
            #expect(step(Self.overdue(status, at: .recipient), withoutAddress) == .none)
        }
        #expect(step(Self.overdue(.relayed, at: .recipient), application) == .none)
        #expect(step(Self.overdue(nil, at: .recipient), application) == .none)
        let waits = Self.overdue(.deferred, isEscalated: true)
        #expect(step(waits, application) == .route("B"))
    }
}

@Suite("To whom mail may be escalated") struct EscalationAddressTests {
    private let rules = Rulebook(
        receiveConnectors: [],
        acceptedDomains: [AcceptedDomain(domain: .exactly("corp.example"), kind: .internalRelay)],
        sendConnectors: [
            SendConnector(name: "Corp", addressSpaces: [.exactly("corp.example")]),
            SendConnector(name: "Pager", addressSpaces: [.exactly("pager.example")]),
        ]
    )

    static let cases: [(String, isExternal: Bool, recipients: [String], isAllowed: Bool)] = [
        ("oncall@corp.example", false, [], true), ("oncall@pager.example", false, [], false),
        ("oncall@pager.example", true, [], true), ("oncall@other.example", true, [], false),
        ("oncall@corp.example", false, ["ops@corp.example"], false),
        ("oncall@corp.example", false, ["*@corp.example"], true),
    ]

    @Test("where the application may write, and a route goes", arguments: cases)
    func refusal(address: String, isExternal: Bool, recipients: [String], isAllowed: Bool) throws {
        let application = ApplicationRecord(
            id: ApplicationID(at: Timestamp(milliseconds: 1)),
            name: "own",
            relaysExternally: isExternal,
            recipients: recipients,
            createdAt: Timestamp(milliseconds: 1)
        )
        let refusal = rules.refusal(of: try Mailbox(parsing: address), for: application)
        #expect((refusal == nil) == isAllowed, "\(refusal?.reason ?? "")")
    }
}
