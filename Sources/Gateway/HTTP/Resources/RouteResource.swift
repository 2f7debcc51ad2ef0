import Delivery
import Mail
import Policy
import Store
import Wire

/// /v1/routes: the send connectors and how they are.
enum RouteResource {
    static func list(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        try request.allowQuery([])
        let views = try await views(api)
        return .json { json in
            json.beginObject()
            json.members("data", views) { $0.write(to: &$1) }
            json.endObject()
        }
    }

    static func show(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        let name: String = try request.parameter("id")
        guard let view = try await views(api).first(where: { $0.name == name }) else {
            throw .notFound
        }
        return .json { view.write(to: &$0) }
    }

    static func suspend(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        let name = try configuredName(api, request)
        var form = try await api.form(of: request)
        let now = api.now
        var until = form.timestamp("until")
        if let until, until <= now { form.note("until", "invalid", "until must lie ahead") }
        if let span = form.duration("for") {
            if until != nil { form.note("for", "invalid", "give until or for, not both") }
            if span == .zero { form.note("for", "invalid", "for must be longer than nothing") }
            until = now + span
        }
        let reason = form.line("reason", maximum: 500)
        form.finish()
        guard form.problems.isEmpty else { throw .invalid(form.problems) }
        let suspension = RouteSuspension(
            route: name,
            reason: reason ?? "suspended by \(request.identity.name)",
            by: request.identity.name,
            since: now,
            until: until
        )
        try await stored { () async throws(StoreError) in
            if let dispatcher = api.gateway.dispatcher {
                try await dispatcher.suspend(suspension)
            } else {
                try await api.store.suspend(suspension)
            }
        }
        return try await show(api, request)
    }

    /// Also ends a rest of the route's own. A route that is not suspended stays so.
    static func resume(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        let name = try configuredName(api, request)
        var form = try await api.form(of: request)
        form.finish()
        guard form.problems.isEmpty else { throw .invalid(form.problems) }
        let who = request.identity.name
        try await stored { () async throws(StoreError) in
            if let dispatcher = api.gateway.dispatcher {
                try await dispatcher.resume(name, by: who)
                // What was tried before the route was mended has its next attempt much later.
                let waiting = QueueFilter(route: name, status: .deferred)
                _ = try await api.gateway.orders.carryOut(.retry, matching: waiting, by: who)
            } else {
                try await api.store.resume(name, at: api.now, by: who)
            }
        }
        return try await show(api, request)
    }

    private static func configuredName(_ api: API, _ request: Request) throws(Problem) -> String {
        let name: String = try request.parameter("id")
        let known = api.configuration.routes.map(\.name)
        guard known.contains(name) else {
            let configured = known.isEmpty ? "none is configured" : known.joined(separator: ", ")
            throw Problem(404, "not_found", "there is no route \(name); configured: \(configured)")
        }
        return name
    }

    /// The configured ones in the order of the file, then those that are gone and have mail.
    static func views(_ api: API) async throws(Problem) -> [RouteView] {
        let (depths, suspensions) = try await stored { () async throws(StoreError) in
            (try await api.store.depths(), try await api.store.suspensions())
        }
        let states = api.gateway.dispatcher?.snapshot() ?? []
        let configuration = api.configuration
        let names = configuration.routes.map(\.name)
        let orphans = depths.keys.filter { !names.contains($0) }.sorted()
        return (names + orphans).map { name in
            RouteView(
                name: name,
                route: configuration.routes.first { $0.name == name },
                connector: configuration.rulebook.sendConnectors.first { $0.name == name },
                state: states.first { $0.name == name },
                suspension: suspensions.first { $0.route == name },
                depth: depths[name] ?? 0
            )
        }
    }
}
