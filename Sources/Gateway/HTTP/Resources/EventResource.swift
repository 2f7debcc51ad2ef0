import Mail
import Store
import Wire

/// GET /v1/events: the log of all that happened, oldest first.
enum EventResource {
    static func list(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        try request.allowQuery(["type", "message", "application", "limit", "cursor"])
        let wantsStream =
            request.head.fields.first("Accept")?.contains("text/event-stream") ?? false
        guard var query = try EventQuery(request, api) else {
            return .json { write([], next: nil, to: &$0) }
        }
        if wantsStream { return try stream(query, api, request) }
        let wanted = query.limit
        var events: [EventRecord] = []
        // A few looks at most: who filters for the rare goes on with the cursor.
        for _ in 0..<10 {
            let page = try await stored { [query] () async throws(StoreError) in
                try await api.store.eventPage(query)
            }
            events += page.events
            query.after = page.position
            query.limit = wanted - events.count
            if page.isEnd { return .json { write(events, next: nil, to: &$0) } }
            if query.limit == 0 { break }
        }
        return .json { write(events, next: EventRecord.id(of: query.after), to: &$0) }
    }

    /// From now on, or from where the client was.
    private static func stream(
        _ query: EventQuery,
        _ api: API,
        _ request: Request
    ) throws(Problem) -> Answer {
        var query = query
        if let text = request.head.fields.first("Last-Event-ID"), !text.isEmpty {
            guard let number = EventRecord.number(of: text) else {
                throw .invalid("", "Last-Event-ID must be an event's id")
            }
            query.after = number
        } else if try request.query("cursor") == nil {
            query.after = api.store.newestEvent
        }
        query.limit = 100
        guard let ticket = api.gateway.streams.enter() else {
            throw Problem(503, "overloaded", "\(StreamCount.most) streams are open already")
                .with("Retry-After", "10")
        }
        var answer = Answer(200, "text/event-stream", [])
        answer.fields.append(("Cache-Control", "no-store"))
        answer.body = .events(EventStream(api, request, query, ticket))
        return answer
    }

    private static func write(_ events: [EventRecord], next: String?, to json: inout JSONWriter) {
        json.beginObject()
        json.members("data", events) { $0.write(to: &$1) }
        json.member("next_cursor", next)
        json.endObject()
    }
}

extension EventQuery {
    /// Nil where the filters name something that is not there to be seen.
    init?(_ request: Request, _ api: API) throws(Problem) {
        self.init(limit: try request.wholeNumber("limit", in: 1...200) ?? 50)
        switch try api.visibleApplication(request) {
        case .none: return nil
        case .only(let id): application = id
        case .all: break
        }
        // Webhooks say what an event is about, the log says what happened.
        types = request.queries("type").map { type in
            type.hasPrefix("message.") ? String(type.dropFirst("message.".count)) : type
        }
        if let text = try request.query("message") {
            guard let id = MessageID(text) else { return nil }
            message = id
        }
        if let text = try request.query("cursor") {
            guard let number = EventRecord.number(of: text) else {
                throw .invalid("", "cursor must be an event's id or a next_cursor")
            }
            after = number
        }
    }
}
