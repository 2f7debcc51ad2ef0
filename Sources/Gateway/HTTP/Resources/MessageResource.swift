import Mail
import Store
import Wire

/// GET /v1/messages and what hangs below it.
enum MessageResource {
    static func list(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        let query = try MessageQuery(request, application: try api.visibleApplication(request))
        guard let query else { return .json { Self.write([], next: nil, to: &$0) } }
        let page = try await stored { () async throws(StoreError) in
            try await api.store.messages(query)
        }
        return .json { Self.write(page.records, next: page.next, to: &$0) }
    }

    private static func write(
        _ records: [MessageRecord],
        next: PageCursor?,
        to json: inout JSONWriter
    ) {
        json.beginObject()
        json.members("data", records) { $0.write(to: &$1) }
        json.member("next_cursor", next?.description)
        json.endObject()
    }

    static func show(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        let record = try await find(api, request)
        return .json { record.write(to: &$0) }
    }

    static func events(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        let record = try await find(api, request)
        let events = try await stored { () async throws(StoreError) in
            try await api.store.events(of: record.id)
        }
        return .json { json in
            json.beginObject()
            json.members("data", events) { $0.write(to: &$1) }
            json.endObject()
        }
    }

    static func source(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        let record = try await find(api, request)
        let content: StoredContent
        do throws(StoreError) {
            content = try await StoredContent(api.store.content(of: record.key))
        } catch .notFound {
            throw Problem(404, "not_found", "the content of this message is no longer kept")
        } catch {
            throw Problem(error)
        }
        var answer = Answer(200, "message/rfc822", [])
        answer.body = .content(content, octets: record.details.octets)
        return answer
    }

    static func cancel(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        try await carryOut(.cancel, api, request)
    }

    static func retry(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        try await carryOut(.retry, api, request)
    }

    static func hold(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        try await carryOut(.hold, api, request)
    }

    static func release(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        try await carryOut(.release, api, request)
    }

    private static func carryOut(
        _ order: Order,
        _ api: API,
        _ request: Request
    ) async throws(Problem) -> Answer {
        let record = try await find(api, request)
        let orders = api.gateway.orders
        let places = permitted(order, on: record, api, request)
        let keys = places.map { RecipientKey(message: record.key, index: $0) }
        let change = try await stored { () async throws(StoreError) in
            try await orders.carryOut(order, on: keys, by: request.identity.name)
        }
        guard !change.keys.isEmpty else {
            let reason =
                places.count < record.recipients.count
                ? "the address is on the suppression list, which only an administrator overrides"
                : change.obstacle ?? "no recipient is in a state that allows it"
            throw Problem(409, "invalid_state", reason)
        }
        var woken: Set<String> = []
        if orders.wakes(order) { orders.wake(change, &woken) }
        return try await show(api, request)
    }

    /// The recipients that the caller may order about: an application sends nothing to an address to
    /// which the gateway sends nothing any more.
    private static func permitted(
        _ order: Order,
        on record: MessageRecord,
        _ api: API,
        _ request: Request
    ) -> [Int] {
        let all = record.recipients.indices
        guard request.identity.application != nil else { return Array(all) }
        return all.filter { place in
            let recipient = record.recipients[place]
            return !(order.revives(recipient.status) && recipient.status.isFinal)
                || !api.gateway.suppressions.holds(recipient.mailbox, at: api.now)
        }
    }

    private static func find(
        _ api: API,
        _ request: Request
    ) async throws(Problem) -> MessageRecord {
        let id: MessageID = try request.parameter("id")
        let application = request.identity.application?.id
        let record = try await stored { () async throws(StoreError) in
            try await api.store.message(id, application: application)
        }
        guard let record else { throw .notFound }
        return record
    }
}

extension MessageQuery {
    private static let parameters = [
        "status", "recipient", "sender", "subject", "tag", "external_id", "message_id",
        "application", "route", "created_after", "created_before", "q", "limit", "cursor",
        "recipient_status",
    ]

    /// Nil where the filters name something that is not there to be seen.
    init?(_ request: Request, application visible: VisibleApplication) throws(Problem) {
        try request.allowQuery(Self.parameters)
        self.init()
        switch visible {
        case .none: return nil
        case .only(let id): application = id
        case .all: break
        }
        limit = try request.wholeNumber("limit", in: 1...200) ?? 50
        if let text = try request.query("cursor") {
            guard let cursor = PageCursor(text) else {
                throw .invalid("", "cursor must be a next_cursor of an earlier answer")
            }
            self.cursor = cursor
        }
        status = try request.status("status")
        recipientStatus = try request.status("recipient_status")
        recipient = try request.query("recipient")
        sender = try request.query("sender")
        subject = try request.query("subject")
        tag = try request.query("tag")
        externalID = try request.query("external_id")
        headerMessageID = try request.query("message_id")
        route = try request.query("route")
        q = try request.query("q")
        createdAfter = try request.moment("created_after")
        createdBefore = try request.moment("created_before")
    }
}

extension Request {
    func wholeNumber(_ name: String, in range: ClosedRange<Int>) throws(Problem) -> Int? {
        guard let text = try query(name) else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw .invalid(
                "",
                "\(name) must be a whole number from \(range.lowerBound) to \(range.upperBound)"
            )
        }
        return number
    }

    fileprivate func status(_ name: String) throws(Problem) -> RecipientStatus? {
        guard let text = try query(name) else { return nil }
        guard let status = RecipientStatus(name: text) else {
            let all = RecipientStatus.allCases.map(\.name).joined(separator: ", ")
            throw .invalid("", "\(name) must be one of \(all)")
        }
        return status
    }

    func moment(_ name: String) throws(Problem) -> Timestamp? {
        guard let text = try query(name) else { return nil }
        guard let moment = Timestamp(rfc3339: text) else {
            throw .invalid("", "\(name) must be an RFC 3339 time such as 2026-01-31T08:30:00Z")
        }
        return moment
    }
}
