import Delivery
import Mail
import Store

/// Takes the steps that are due at one moment: mail that waits longer than its application allows
/// goes by another route, and if it waits as long again, somebody else gets a copy.
struct EscalationRound {
    private let house: House
    private let now: Timestamp
    private let applications: [ApplicationID: ApplicationRecord]
    private let routes: Set<String>

    private var store: MailStore { house.store }

    init(_ house: House) {
        self.house = house
        now = house.clock()
        applications = Dictionary(house.directory.applications.map { ($0.id, $0) }) { $1 }
        routes = Set(house.configuration.routes.map(\.name))
    }

    /// Until nothing is due any more.
    func run() async throws(StoreError) {
        for application in applications.values {
            guard let limit = application.deliverWithin else { continue }
            try await store.noteDeadlines(of: application.id, within: limit, at: now)
        }
        while !house.isDraining {
            // Each of them is then done with, or due later than now.
            let overdue = try await store.overdue(at: now, limit: QueueOrders.step)
            guard !overdue.isEmpty else { return }
            try await handle(overdue)
        }
    }

    private func handle(_ overdue: [Overdue]) async throws(StoreError) {
        var moves: [Move: [Overdue]] = [:]
        var (later, never): ([Duration: [RecipientKey]], [RecipientKey]) = ([:], [])
        var copies: [MessageKey: [Overdue]] = [:]
        for recipient in overdue {
            let application = recipient.application.flatMap { applications[$0] }
            switch DeadlineStep(for: recipient, of: application, routes: routes) {
            case .route(let route):
                moves[move(recipient, of: application, to: route), default: []].append(recipient)
            case .lostRoute(let route):
                moves[move(recipient, of: application, to: route, isLost: true), default: []]
                    .append(recipient)
            case .recipient: copies[recipient.key.message, default: []].append(recipient)
            case .later(let wait): later[wait, default: []].append(recipient.key)
            case .none: never.append(recipient.key)
            }
        }
        if !never.isEmpty { try await store.forgetEscalations(never) }
        for (wait, keys) in later { try await store.postponeEscalations(keys, to: now + wait) }
        try await carryOut(moves)
        for message in copies.keys.sorted() where !house.isDraining {
            try await copy(copies[message] ?? [])
        }
    }

    // MARK: To another route

    /// What recipients have in common that go together.
    private struct Move: Hashable {
        let route: String
        let isLost: Bool
        let limit: Duration
        /// The step behind it, if there is one.
        let next: Timestamp?
    }

    private func move(
        _ recipient: Overdue,
        of application: ApplicationRecord?,
        to route: String,
        isLost: Bool = false
    ) -> Move {
        let limit = application?.deliverWithin ?? .zero
        let goesOn = application?.hasNextStep(for: recipient) ?? false
        let next = isLost ? now : now + limit
        return Move(route: route, isLost: isLost, limit: limit, next: goesOn ? next : nil)
    }

    private func carryOut(_ moves: [Move: [Overdue]]) async throws(StoreError) {
        var woken: Set<String> = []
        for (move, recipients) in moves {
            let keys = recipients.map(\.key).sorted {
                ($0.message, $0.index) < ($1.message, $1.index)
            }
            if move.isLost {
                try await skip(move, for: keys)
                continue
            }
            let order = Order.escalate(
                to: move.route,
                because: "not delivered within \(Quantity.text(move.limit))",
                next: move.next
            )
            let change = try await house.orders.carryOut(order, on: keys, by: "deadline")
            // Who has been taken out to be sent meanwhile is looked at again.
            let left = Set(keys).subtracting(change.keys)
            if !left.isEmpty {
                try await store.postponeEscalations(Array(left), to: now + .seconds(4))
            }
            guard !change.keys.isEmpty else { continue }
            house.log.info(
                "mail is escalated",
                ["route": move.route, "count": "\(change.keys.count)"]
            )
            house.orders.wake(change, &woken)
        }
    }

    private func skip(_ move: Move, for keys: [RecipientKey]) async throws(StoreError) {
        let reason = "there is no send connector \(move.route) any more"
        try await store.skipRoute(
            for: keys,
            detail: [("step", "route"), ("to", move.route), ("reason", reason)],
            next: move.next,
            at: now
        )
        house.log.warning(
            "mail is not escalated to its route",
            ["route": move.route, "count": "\(keys.count)", "reason": reason]
        )
    }

    // MARK: To somebody else

    private func copy(_ overdue: [Overdue]) async throws(StoreError) {
        guard let id = overdue.first?.id, let record = try await store.message(id),
            let application = record.application.flatMap({ applications[$0] })
        else { return try await store.forgetEscalations(overdue.map(\.key)) }
        try await EscalationCopy(of: record, for: overdue, application, house).send(at: now)
    }
}
