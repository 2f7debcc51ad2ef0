import Mail
import Store
import Wire

/// /v1/suppressions: the addresses to which nothing is sent.
enum SuppressionResource {
    static func list(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        try request.allowQuery(["limit", "cursor"])
        let limit = try request.wholeNumber("limit", in: 1...200) ?? 50
        let cursor = try request.query("cursor") ?? ""
        // One more tells whether there is a next page.
        let found = try await stored { () async throws(StoreError) in
            try await api.store.suppressions(after: cursor, limit: limit + 1)
        }
        let page = found.prefix(limit)
        return .json { json in
            json.beginObject()
            json.members("data", Array(page)) { $0.write(to: &$1) }
            json.member("next_cursor", found.count > limit ? page.last?.address : nil)
            json.endObject()
        }
    }

    static func show(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        let record = try await find(api, request)
        return .json { record.write(to: &$0) }
    }

    static func create(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        var form = try await api.form(of: request)
        let address = form.suppressedAddress()
        var record = SuppressionRecord(address: address ?? "", reason: .manual, createdAt: api.now)
        record.read(&form, at: api.now)
        form.finish()
        guard form.problems.isEmpty else { throw .invalid(form.problems) }
        do throws(StoreError) {
            try await api.store.insert(record, by: request.identity.name)
            try await api.gateway.suppressions.reload()
        } catch .conflict {
            throw Problem(
                409,
                "already_exists",
                "\(record.address) is on the list already; take it off, or change its entry",
                items: [.init("/address", "already_exists", "listed already")]
            )
        } catch {
            throw Problem(error)
        }
        return .json(201) { record.write(to: &$0) }
            .with("Location", "/v1/suppressions/\(PercentCoding.encode(record.address))")
    }

    static func update(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        var form = try await api.form(of: request)
        var record = try await find(api, request)
        record.read(&form, at: api.now)
        form.finish()
        guard form.problems.isEmpty else { throw .invalid(form.problems) }
        try await stored { [record] () async throws(StoreError) in
            try await api.store.update(record)
            try await api.gateway.suppressions.reload()
        }
        return .json { record.write(to: &$0) }
    }

    static func remove(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        let record = try await find(api, request)
        try await stored { () async throws(StoreError) in
            try await api.store.removeSuppression(
                of: record.address,
                at: api.now,
                by: request.identity.name
            )
            try await api.gateway.suppressions.reload()
        }
        return .noContent
    }

    private static func find(
        _ api: API,
        _ request: Request
    ) async throws(Problem) -> SuppressionRecord {
        let text: String = try request.parameter("id")
        let record = try await stored { () async throws(StoreError) in
            try await api.store.suppression(of: text.lowercased())
        }
        guard let record else { throw .notFound }
        return record
    }
}

extension FormReader {
    fileprivate mutating func suppressedAddress() -> String? {
        guard let text = string("address") else {
            if problems.isEmpty { note("address", "missing", "name the address") }
            return nil
        }
        do throws(AddressError) {
            return SuppressionRecord.key(of: try Mailbox(parsing: text))
        } catch {
            note("address", "invalid_address", error.reason)
            return nil
        }
    }
}

extension SuppressionRecord {
    /// Takes over what the form says; a field that is absent stays as it is, null takes it away.
    fileprivate mutating func read(_ form: inout FormReader, at now: Timestamp) {
        if form.isGiven("comment") { comment = form.line("comment", maximum: 500) }
        if form.isGiven("expires_at") {
            expiresAt = form.timestamp("expires_at")
            if let end = expiresAt, end <= now {
                form.note("expires_at", "invalid", "expires_at must lie ahead")
            }
        }
        guard let span = form.duration("for") else { return }
        if form.isGiven("expires_at") {
            form.note("for", "invalid", "give expires_at or for, not both")
        }
        if span == .zero { form.note("for", "invalid", "for must be longer than nothing") }
        expiresAt = now + span
    }

    fileprivate func write(to json: inout JSONWriter) {
        json.beginObject()
        json.member("id", address)
        json.member("address", address)
        json.member("reason", reason.rawValue)
        json.member("comment", comment)
        json.member("created_at", createdAt)
        json.member("expires_at", expiresAt)
        json.endObject()
    }
}
