import Store

extension ApplicationRecord {
    /// How long its mail may wait, and where it goes then.
    mutating func readDeadline(_ form: inout FormReader, routes: [String]) {
        if form.isGiven("deliver_within") {
            deliverWithin = nil
            if let text = form.string("deliver_within") {
                deliverWithin = Quantity.duration(text)
                if deliverWithin.map({ $0 < .seconds(1) }) ?? true {
                    form.note(
                        "deliver_within",
                        "invalid",
                        "must be a duration of at least 1s, such as 90s, 10m or 2h; null for no deadline"
                    )
                    return
                }
            }
        }
        if form.isGiven("escalate_route") {
            escalateRoute = form.string("escalate_route")
            if let name = escalateRoute, !routes.contains(name) {
                form.note(
                    "escalate_route",
                    "invalid",
                    "no send connector \(name) is configured; there are: \(routes.joined(separator: ", "))"
                )
            }
        }
        if escalateRoute != nil, deliverWithin == nil {
            form.note(
                "escalate_route",
                "invalid",
                "needs deliver_within, the time after which mail goes by it; or set escalate_route to null"
            )
        }
    }
}
