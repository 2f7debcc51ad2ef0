import Mail
import Testing

@testable import Gateway
@testable import Store

@Suite("What is due past a deadline") struct DeadlineStepTests {
    static let cases: [(RecipientStatus, within: Duration?, to: String?, DeadlineStep)] = [
        (.queued, .seconds(9), "B", .route("B")), (.deferred, .seconds(9), "B", .route("B")),
        (.sending, .seconds(9), "B", .later), (.held, .seconds(9), "B", .later),
        (.uncertain, .seconds(9), "B", .later), (.relayed, .seconds(9), "B", .none),
        (.canceled, .seconds(9), "B", .none), (.deferred, nil, "B", .none),
        (.deferred, .seconds(9), nil, .none), (.deferred, .seconds(9), "A", .none),
        (.deferred, .seconds(9), "Gone", .none),
    ]

    @Test("only what waits goes, and only by another route that there is", arguments: cases)
    func step(status: RecipientStatus, within: Duration?, to: String?, step: DeadlineStep) {
        let id = ApplicationID(at: Timestamp(milliseconds: 1))
        let application = ApplicationRecord(
            id: id,
            name: "own",
            deliverWithin: within,
            escalateRoute: to,
            createdAt: Timestamp(milliseconds: 1)
        )
        let key = RecipientKey(message: MessageKey(row: 1), index: 0)
        let overdue = Overdue(key: key, application: id, route: "A", status: status)
        #expect(DeadlineStep(for: overdue, of: application, routes: ["A", "B"]) == step)
        #expect(DeadlineStep(for: overdue, of: nil, routes: ["A", "B"]) == .none)
    }
}
