import Delivery
import Mail
import Store
import Wire

/// POST /v1/queue/{retry|hold|release|cancel|reroute}: orders for all that a filter finds.
enum QueueOrderResource {
    static func retry(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        try await carryOut(.retry, api, request)
    }

    static func hold(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        try await carryOut(.hold, api, request)
    }

    static func release(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        try await carryOut(.release, api, request)
    }

    static func cancel(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        try await carryOut(.cancel, api, request)
    }

    static func reroute(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        var form = try await api.form(of: request)
        let route = form.route("to_route", in: api.configuration)
        return try await carryOut(.reroute(to: route ?? ""), api, request, &form)
    }

    private static func carryOut(
        _ order: Order,
        _ api: API,
        _ request: Request
    ) async throws(Problem) -> Answer {
        var form = try await api.form(of: request)
        return try await carryOut(order, api, request, &form)
    }

    private static func carryOut(
        _ order: Order,
        _ api: API,
        _ request: Request,
        _ form: inout FormReader
    ) async throws(Problem) -> Answer {
        let isDry = form.bool("dry_run") ?? false
        let words = form.value("filter")
        let filter = QueueFilter(words, api, &form)
        form.finish()
        guard form.problems.isEmpty, let filter else { throw .invalid(form.problems) }
        let orders = api.gateway.orders
        if let id = filter.message {
            let found = try await stored { () async throws(StoreError) in
                try await orders.store.message(id)
            }
            guard found != nil else {
                throw .invalid("/filter/message", "there is no message \(id)")
            }
        }
        let count = try await stored { () async throws(StoreError) in
            guard !isDry else {
                return try await orders.store.targets(of: order, matching: filter).count
            }
            let who = request.identity.name
            let count = try await orders.carryOut(order, matching: filter, by: who)
            try await orders.note(
                order.event,
                of: count,
                by: who,
                filter: words,
                to: order.newRoute
            )
            return count
        }
        guard isDry || count > 0 || filter.message == nil else {
            throw Problem(409, "invalid_state", "no recipient is in a state that allows it")
        }
        return .json { json in
            json.beginObject()
            json.member("count", count)
            json.endObject()
        }
    }
}

extension Order {
    fileprivate var newRoute: String? {
        if case .reroute(let name) = self { name } else { nil }
    }
}

extension FormReader {
    /// The name of a configured route.
    fileprivate mutating func route(_ name: String, in configuration: Configuration) -> String? {
        guard let route = string(name) else {
            if problems.isEmpty {
                note(name, "missing", "name the route that shall carry the mail")
            }
            return nil
        }
        let known = configuration.routes.map(\.name)
        if !known.contains(route) {
            let all = known.joined(separator: ", ")
            note(name, "invalid", "there is no route \(route); configured: \(all)")
        }
        return route
    }
}

extension QueueFilter {
    /// Nil where it says nothing that can be understood; the problems are noted.
    fileprivate init?(_ words: JSONValue?, _ api: API, _ form: inout FormReader) {
        self.init()
        guard let words else {
            form.note("filter", "missing", "say which mail is meant; {} means all that waits")
            return
        }
        guard var filter = FormReader(words, at: form.place("filter")) else {
            form.note("filter", "wrong_type", "filter must be an object")
            return
        }
        recipient = filter.address("recipient")
        sender = filter.address("sender")
        route = filter.string("route")
        if let name = filter.string("application") {
            application = api.directory.application(name)?.id ?? ApplicationID(name)
            if application == nil {
                filter.note("application", "invalid", "there is no application \(name)")
            }
        }
        if let name = filter.string("status") {
            status = RecipientStatus(name: name)
            if status == nil {
                let all = RecipientStatus.allCases.map(\.name).joined(separator: ", ")
                filter.note("status", "invalid", "status must be one of \(all)")
            }
        }
        if let text = filter.string("message") {
            message = MessageID(text)
            if message == nil { filter.note("message", "invalid", "\(text) is no message's id") }
        }
        filter.finish()
        form.note(filter.problems)
    }
}

extension FormReader {
    /// An address or `@domain`.
    fileprivate mutating func address(_ name: String) -> String? {
        guard let text = string(name) else { return nil }
        if !text.isEmpty, !text.contains("@") {
            note(name, "invalid_address", "\(name) must be an address or @domain")
        }
        return text
    }
}
