import Mail
import Store
import Wire

/// /v1/applications/{id}/keys: issued once in clear, kept as a digest.
enum KeyResource {
    static func list(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        let keys = api.directory.keys(of: try holder(api, request)?.id)
        return .json { json in
            json.beginObject()
            json.members("data", keys) { write($0, to: &$1) }
            json.endObject()
        }
    }

    static func show(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        let key = try find(api, request)
        return .json { write(key, to: &$0) }
    }

    static func issue(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        let application = try holder(api, request)
        var form = try await api.form(of: request)
        let expiry = try readExpiry(&form, api.now)
        return try await issue(api, request, "key.created", for: application, expiringAt: expiry)
    }

    /// A new key at once; the old one goes on for `overlap` (a day), so that nothing stops.
    static func rotate(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        let application = try holder(api, request)
        let old = try find(api, request)
        guard old.revokedAt == nil else {
            throw Problem(409, "invalid_state", "the key is revoked; issue a new one")
        }
        var form = try await api.form(of: request)
        let overlap = form.duration("overlap") ?? .seconds(86_400)
        let expiry = try readExpiry(&form, api.now)
        // First the new key, then the old one's end: a failure between them stops nobody.
        let answer = try await issue(
            api,
            request,
            "key.rotated",
            for: application,
            expiringAt: expiry,
            successorOf: old
        )
        let end = api.now + overlap
        try await stored { () async throws(StoreError) in
            try await api.store.updateKey(
                old.id,
                expiresAt: min(end, old.expiresAt ?? end)
            )
            try await api.directory.reload()
        }
        return answer
    }

    static func revoke(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        let key = try find(api, request)
        try await stored { () async throws(StoreError) in
            try await api.store.revoke(key.id, at: api.now)
            try await api.directory.reload()
        }
        try await api.note("key.revoked", request, [("key", "key_\(key.id)")])
        api.gateway.log.info("key revoked", ["key": key.id])
        return .noContent
    }

    private static func issue(
        _ api: API,
        _ request: Request,
        _ event: String,
        for application: ApplicationRecord?,
        expiringAt expiry: Timestamp?,
        successorOf old: KeyRecord? = nil
    ) async throws(Problem) -> Answer {
        let key = APIKey.generate(application == nil ? .administrator : .application)
        let record = KeyRecord(
            id: key.id,
            kind: application == nil ? .administrator : .application,
            application: application?.id,
            secretHash: key.digest,
            createdAt: api.now,
            expiresAt: expiry
        )
        try await stored { () async throws(StoreError) in
            try await api.store.insert(record)
            try await api.directory.reload()
        }
        var facts = [("key", "key_\(key.id)"), ("for", application?.name ?? "administrator")]
        if let old { facts.append(("successor_of", "key_\(old.id)")) }
        try await api.note(event, request, facts)
        api.gateway.log.info(
            "key issued",
            ["key": key.id, "for": application?.name ?? "administrator"]
        )
        let holder = application?.id.description ?? administrators
        let place = "/v1/applications/\(holder)/keys/key_\(key.id)"
        return .json(201) { write(record, secret: key.text, to: &$0) }
            .with("Location", place)
    }

    private static func readExpiry(
        _ form: inout FormReader,
        _ now: Timestamp
    ) throws(Problem) -> Timestamp? {
        let expiry = form.timestamp("expires_at")
        if let expiry, expiry <= now { form.note("expires_at", "invalid", "must lie ahead") }
        form.finish()
        guard form.problems.isEmpty else { throw .invalid(form.problems) }
        return expiry
    }

    /// The name under which administrators' keys are found, which no application may bear.
    static let administrators = "-"

    /// Nil for administrators.
    private static func holder(
        _ api: API,
        _ request: Request
    ) throws(Problem) -> ApplicationRecord? {
        if request.parameters["id"] == administrators { return nil }
        return try ApplicationResource.find(api, request)
    }

    /// By `key_…` or by the 12 characters alone.
    private static func find(_ api: API, _ request: Request) throws(Problem) -> KeyRecord {
        let name: String = try request.parameter("key")
        let id = name.hasPrefix("key_") ? String(name.dropFirst(4)) : name
        let keys = api.directory.keys(of: try holder(api, request)?.id)
        guard let key = keys.first(where: { $0.id == id }) else { throw .notFound }
        return key
    }

    private static func write(
        _ key: KeyRecord,
        secret: String? = nil,
        to json: inout JSONWriter
    ) {
        json.beginObject()
        json.member("id", "key_\(key.id)")
        json.member("application", key.application?.description)
        json.member("kind", key.kind == .administrator ? "administrator" : "application")
        json.member("created_at", key.createdAt)
        json.member("expires_at", key.expiresAt)
        json.member("revoked_at", key.revokedAt)
        json.member("last_used_at", key.lastUsedAt)
        if let secret { json.member("key", secret) }
        json.endObject()
    }
}

extension FormReader {
    mutating func duration(_ name: String) -> Duration? {
        guard let text = string(name) else { return nil }
        guard let span = Quantity.duration(text) else {
            note(name, "invalid", "\(name) must be a duration such as 90s, 24h or 30d")
            return nil
        }
        return span
    }
}
