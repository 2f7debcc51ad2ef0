import Store

/// What is due for a recipient whose deadline has passed, or that failed.
enum DeadlineStep: Equatable {
    case route(String)
    /// There is no such route any more; the next step is due at once, if there is one.
    case lostRoute(String)
    /// A copy to somebody else.
    case recipient
    /// Not now: it is being sent, or waits for somebody.
    case later(Duration)
    /// Nothing, ever.
    case none

    init(for overdue: Overdue, of application: ApplicationRecord?, routes: Set<String>) {
        guard let application, let limit = application.deliverWithin, let status = overdue.status
        else {
            self = .none
            return
        }
        let next: DeadlineStep = application.hasNextStep(for: overdue) ? .recipient : .none
        switch status {
        case .relayed, .delivered, .canceled: self = .none
        // What may have arrived does not go a second way by itself; that somebody hears of it does no
        // harm.
        case .failed, .expired, .suppressed, .uncertain: self = next
        case .sending: self = .later(.seconds(4))
        // Whoever lets it go gives it another span; many that are held must not be looked at for ever.
        case .held, .scheduled: self = .later(max(limit, .seconds(4)))
        case .queued, .deferred:
            guard overdue.step == .route, let route = application.escalateRoute,
                route != overdue.route
            else {
                self = next
                return
            }
            self = routes.contains(route) ? .route(route) : .lostRoute(route)
        }
    }
}

extension ApplicationRecord {
    /// Somebody else is to have a copy, and has none yet.
    func hasNextStep(for overdue: Overdue) -> Bool { escalateTo != nil && !overdue.isEscalated }
}
