import Delivery
import Mail
import Store

/// What is due for a recipient whose deadline has passed.
enum DeadlineStep: Equatable {
    case route(String)
    /// Not now: it is being sent, or waits for somebody.
    case later
    /// Nothing, ever.
    case none

    init(for recipient: Overdue, of application: ApplicationRecord?, routes: Set<String>) {
        guard let application, application.deliverWithin != nil,
            let route = application.escalateRoute, route != recipient.route,
            routes.contains(route)
        else {
            self = .none
            return
        }
        switch recipient.status {
        case .queued, .deferred: self = .route(route)
        // What may have arrived does not go a second way by itself.
        case .sending, .held, .scheduled, .uncertain: self = .later
        case .relayed, .delivered, .failed, .suppressed, .canceled, .expired: self = .none
        }
    }
}

/// Mail that waits longer than its application allows goes by another route, once.
extension QueueOrders {
    func escalate(_ applications: [ApplicationRecord], by routes: [Route], _ log: Log) async {
        let strict = applications.filter { $0.deliverWithin != nil }
        guard !strict.isEmpty else { return }
        do throws(StoreError) {
            for application in strict {
                guard let limit = application.deliverWithin else { continue }
                try await store.noteDeadlines(of: application.id, within: limit, at: now)
            }
            let byID = Dictionary(strict.map { ($0.id, $0) }) { $1 }
            let names = Set(routes.map(\.name))
            let overdue = try await store.overdue(at: now, limit: Self.step)
            if !overdue.isEmpty { try await handle(overdue, byID, names, log) }
        } catch {
            log.warning("mail cannot be escalated", ["reason": "\(error)"])
        }
    }

    private func handle(
        _ overdue: [Overdue],
        _ applications: [ApplicationID: ApplicationRecord],
        _ routes: Set<String>,
        _ log: Log
    ) async throws(StoreError) {
        var orders: [Order: [RecipientKey]] = [:]
        var (later, never): ([RecipientKey], [RecipientKey]) = ([], [])
        for recipient in overdue {
            let application = recipient.application.flatMap { applications[$0] }
            switch DeadlineStep(for: recipient, of: application, routes: routes) {
            case .route(let route):
                let limit = application?.deliverWithin.map(Quantity.text) ?? ""
                let reason = "not delivered within \(limit)"
                orders[.escalate(to: route, because: reason), default: []].append(recipient.key)
            case .later: later.append(recipient.key)
            case .none: never.append(recipient.key)
            }
        }
        if !never.isEmpty { try await store.forgetEscalations(never) }
        // Those that wait must not stand before others for ever.
        if !later.isEmpty { try await store.postponeEscalations(later, to: now + .seconds(4)) }
        var woken: Set<String> = []
        for (order, keys) in orders {
            let sorted = keys.sorted { ($0.message, $0.index) < ($1.message, $1.index) }
            let change = try await carryOut(order, on: sorted, by: "deadline")
            log.info("mail is escalated", ["count": "\(change.keys.count)"])
            wake(change, &woken)
        }
    }
}
