import Delivery
import Mail
import Store
import Wire

/// /v1/webhooks: who is told of events as they happen.
enum WebhookResource {
    static func list(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        try request.allowQuery([])
        let webhooks = try await stored { () async throws(StoreError) in
            try await api.store.webhooks()
        }
        return .json { json in
            json.beginObject()
            json.members("data", webhooks) { webhook, json in
                json.beginObject()
                webhook.writeMembers(to: &json)
                json.endObject()
            }
            json.endObject()
        }
    }

    /// With what its receiver has not taken.
    static func show(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        let webhook = try await find(api, request)
        let (waiting, failed) = try await stored { () async throws(StoreError) in
            (
                try await api.store.retries(of: webhook.id, dueBy: api.now, limit: 1).waiting,
                try await api.store.givenUp(by: webhook.id, limit: 100)
            )
        }
        return .json { json in
            json.beginObject()
            webhook.writeMembers(to: &json)
            json.member("pending", waiting)
            json.members("failed", failed) { retry, json in
                json.beginObject()
                json.member("event", EventRecord.id(of: retry.event))
                json.member("attempts", retry.attempts)
                json.member("first_at", retry.firstAt)
                json.member("error", retry.error)
                json.endObject()
            }
            json.endObject()
        }
    }

    static func create(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        var form = try await api.form(of: request)
        let secret = WebhookSignature.newSecret()
        let id = WebhookID(at: api.now)
        var webhook = WebhookRecord(
            id: id,
            url: "",
            types: [],
            secret: try seal(secret, for: id, api),
            createdAt: api.now,
            position: api.store.newestEvent
        )
        webhook.read(&form, api, isNew: true)
        form.finish()
        guard form.problems.isEmpty else { throw .invalid(form.problems) }
        try await write(api) { [webhook] () async throws(StoreError) in
            try await api.store.insert(webhook)
        }
        try await api.note("webhook.created", request, [("webhook", id.description)])
        return .json(201) { webhook.write(to: &$0, secret: secret) }
            .with("Location", "/v1/webhooks/\(id)")
    }

    static func update(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        var form = try await api.form(of: request)
        var webhook = try await find(api, request)
        webhook.read(&form, api, isNew: false)
        if let enabled = form.bool("enabled") {
            webhook.disabled =
                enabled ? nil : webhook.disabled ?? "disabled by \(request.identity.name)"
        }
        form.finish()
        guard form.problems.isEmpty else { throw .invalid(form.problems) }
        try await write(api) { [webhook] () async throws(StoreError) in
            try await api.store.update(webhook)
        }
        return try await show(api, request)
    }

    static func remove(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        let webhook = try await find(api, request)
        try await write(api) { () async throws(StoreError) in
            try await api.store.remove(webhook.id)
        }
        try await api.note("webhook.removed", request, [("webhook", webhook.id.description)])
        return .noContent
    }

    /// A new secret; the old one signs as well for `overlap` (a day), so that receivers can follow.
    static func rotate(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        var form = try await api.form(of: request)
        var webhook = try await find(api, request)
        let overlap = form.duration("overlap") ?? .seconds(86_400)
        form.finish()
        guard form.problems.isEmpty else { throw .invalid(form.problems) }
        let secret = WebhookSignature.newSecret()
        webhook.oldSecret = overlap == .zero ? nil : webhook.secret
        webhook.oldSecretUntil = overlap == .zero ? nil : api.now + overlap
        webhook.secret = try seal(secret, for: webhook.id, api)
        try await write(api) { [webhook] () async throws(StoreError) in
            try await api.store.update(webhook)
        }
        return .json { webhook.write(to: &$0, secret: secret) }
    }

    /// One event, or all that were given up.
    static func redeliver(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        var form = try await api.form(of: request)
        let webhook = try await find(api, request)
        let text = form.string("event")
        let wantsFailed = form.bool("failed") ?? false
        let number = text.flatMap { EventRecord.number(of: $0) }
        if text != nil, number == nil {
            form.note("event", "invalid", "event must be an event's id")
        }
        if (text == nil) != wantsFailed {
            form.note("", "invalid", "give an event's id in event, or failed: true, not both")
        }
        form.finish()
        guard form.problems.isEmpty else { throw .invalid(form.problems) }
        let count = try await stored { () async throws(StoreError) in
            try await api.store.redeliver(number, to: webhook.id, at: api.now)
        }
        guard count > 0 || number == nil else {
            throw .invalid("/event", "the log has no such event any more")
        }
        api.gateway.webhooks?.nudge(webhook.id)
        return .json { json in
            json.beginObject()
            json.member("count", count)
            json.endObject()
        }
    }

    private static func seal(
        _ secret: String,
        for id: WebhookID,
        _ api: API
    ) throws(Problem) -> [UInt8] {
        do throws(SecretVaultError) {
            return try api.gateway.logons.vault.seal(secret, for: id)
        } catch {
            throw .unavailable("the secret cannot be kept: \(error)")
        }
    }

    private static func find(_ api: API, _ request: Request) async throws(Problem) -> WebhookRecord
    {
        let id: WebhookID = try request.parameter("id")
        let webhooks = try await stored { () async throws(StoreError) in
            try await api.store.webhooks()
        }
        guard let found = webhooks.first(where: { $0.id == id }) else { throw .notFound }
        return found
    }

    private static func write(
        _ api: API,
        _ work: () async throws(StoreError) -> Void
    ) async throws(Problem) {
        do throws(StoreError) {
            try await work()
            try await api.gateway.webhooks?.refresh()
        } catch {
            throw Problem(error)
        }
    }
}

extension API {
    /// Writes down what an administrator did.
    func note(
        _ type: String,
        _ request: Request,
        _ facts: [(String, String)]
    ) async throws(Problem) {
        var json = JSONWriter()
        json.beginObject()
        json.member("by", request.identity.name)
        for (name, value) in facts {
            json.key(name)
            json.string(value)
        }
        json.endObject()
        let detail = String(decoding: json.octets, as: UTF8.self)
        try await stored { () async throws(StoreError) in
            try await store.note(type, detail: detail, at: now)
        }
    }
}

extension WebhookRecord {
    fileprivate mutating func read(_ form: inout FormReader, _ api: API, isNew: Bool) {
        if let text = form.string("url") {
            url = text
            if let objection = WebhookAddress.objection(to: text) {
                form.note("url", "invalid", objection)
            }
        } else if isNew, !form.isGiven("url") {
            form.note("url", "missing", "say where the receiver is")
        }
        if let names = form.strings("events", maximum: 100) {
            types = names.map(WebhookEvents.type)
            if names.isEmpty { form.note("events", "invalid", "list at least one event") }
            for (index, name) in names.enumerated() where !WebhookEvents.names.contains(name) {
                let all = WebhookEvents.names.joined(separator: ", ")
                form.note([
                    .init("\(form.place("events"))/\(index)", "invalid", "must be one of \(all)")
                ])
            }
        } else if isNew, !form.isGiven("events") {
            form.note("events", "missing", "list the events to be told")
        }
        guard form.isGiven("application") else { return }
        application = nil
        if let name = form.string("application") {
            application = api.directory.application(name)?.id
            if application == nil {
                form.note("application", "invalid", "there is no application \(name)")
            }
        }
    }

    fileprivate func write(to json: inout JSONWriter, secret: String) {
        json.beginObject()
        writeMembers(to: &json)
        json.member("secret", secret)
        json.endObject()
    }

    fileprivate func writeMembers(to json: inout JSONWriter) {
        json.member("id", id.description)
        json.member("url", url)
        json.member("events", types.map(WebhookEvents.name))
        json.member("application", application?.description)
        json.member("enabled", disabled == nil)
        json.member("disabled_reason", disabled)
        json.member("created_at", createdAt)
        json.member("last_success_at", lastSuccessAt)
        json.member("last_failure_at", lastFailureAt)
        json.member("last_error", lastError)
    }
}
