import Mail
import Store
import Wire

/// `key …`: API keys.
enum KeyCommands {
    private static let holder: [Option] = [
        .value("app", "NAME", "the application's"),
        .flag("admin", "an administrator's"),
    ]

    static let all = [
        Command(
            "key issue",
            "",
            "issues a key",
            options: holder + [
                .value("expires", "TIME|DURATION", "its end; else it never expires")
            ],
            run: issue
        ),
        Command("key list", "", "lists keys, never a secret", options: holder, run: list),
        Command(
            "key rotate",
            "ID",
            "issues the successor of a key",
            options: [
                .value("overlap", "DURATION", "how long the old key goes on (1d)"),
                .value("expires", "TIME|DURATION", "the end of the new key"),
            ],
            run: rotate
        ),
        Command("key revoke", "ID", "ends a key at once", run: revoke),
    ]

    private static let administrators = "-"

    @Sendable
    private static func issue(_ it: Invocation) async throws(CommandFailure) {
        _ = try it.arguments.expect([])
        let name = try holderName(it.arguments)
        guard let name else { throw CommandFailure(.usage, "--app NAME or --admin is needed") }
        let client = try await ControlClient(it)
        defer { client.finish() }
        let key = try await client.ask(
            .post,
            "/v1/applications/\(name.percentEncoded)/keys",
            try expiry(it.arguments)
        )
        show(key, it)
    }

    private static func show(_ key: ControlClient.Response, _ it: Invocation) {
        guard !it.wantsJSON else { return it.say(key.text) }
        it.say("key \(key.json["key"].text)")
        it.say("The key is shown this once; keep it where only the application can read it.")
    }

    @Sendable
    private static func list(_ it: Invocation) async throws(CommandFailure) {
        _ = try it.arguments.expect([])
        let client = try await ControlClient(it)
        defer { client.finish() }
        let name = try holderName(it.arguments)
        let keys = try await keys(of: name, client)
        Listing.show(
            it,
            keys.map(\.key),
            [
                ("ID", "id"), ("APPLICATION", "application"), ("KIND", "kind"),
                ("EXPIRES", "expires_at"), ("REVOKED", "revoked_at"), ("LAST USED", "last_used_at"),
            ]
        )
    }

    @Sendable
    private static func rotate(_ it: Invocation) async throws(CommandFailure) {
        let id = try it.arguments.expect(["ID"])[0]
        let client = try await ControlClient(it)
        defer { client.finish() }
        let place = try await place(of: id, client)
        var members = try expiry(it.arguments).members
        if let overlap = it.arguments.value("overlap") {
            members.append(("overlap", .string(overlap)))
        }
        let key = try await client.ask(
            .post,
            "\(place)/rotate",
            .object(JSONObject(members))
        )
        show(key, it)
    }

    @Sendable
    private static func revoke(_ it: Invocation) async throws(CommandFailure) {
        let id = try it.arguments.expect(["ID"])[0]
        let client = try await ControlClient(it)
        defer { client.finish() }
        _ = try await client.ask(.delete, try await place(of: id, client))
        it.say(it.wantsJSON ? "{\"revoked\":true}" : "key \(id) revoked")
    }

    /// Nil where neither is named.
    private static func holderName(_ arguments: Arguments) throws(CommandFailure) -> String? {
        switch (arguments.value("app"), arguments.has("admin")) {
        case (_?, true): throw CommandFailure(.usage, "--app and --admin exclude each other")
        case (let name?, false): name
        case (nil, true): administrators
        case (nil, false): nil
        }
    }

    /// The keys of one holder, or of all.
    private static func keys(
        of name: String?,
        _ client: ControlClient
    ) async throws(CommandFailure) -> [(holder: String, key: JSONValue)] {
        var holders = [name ?? administrators]
        if name == nil {
            let applications = try await client.ask(.get, "/v1/applications").json["data"]
            holders += applications.elements.map { $0["id"].text }
        }
        var keys: [(holder: String, key: JSONValue)] = []
        for holder in holders {
            let list = try await client.ask(.get, "/v1/applications/\(holder.percentEncoded)/keys")
            keys += list.json["data"].elements.map { (holder, $0) }
        }
        return keys
    }

    private static func place(
        of id: String,
        _ client: ControlClient
    ) async throws(CommandFailure) -> String {
        let full = id.hasPrefix("key_") ? id : "key_\(id)"
        let found = try await keys(of: nil, client).first { $0.key["id"].text == full }
        guard let found else { throw CommandFailure(.badData, "there is no key \(id)") }
        return "/v1/applications/\(found.holder)/keys/\(full)"
    }

    /// `--expires` as the API takes it: a span from now becomes a moment.
    static func expiry(_ arguments: Arguments) throws(CommandFailure) -> JSONValue {
        guard let text = arguments.value("expires") else { return .object(JSONObject()) }
        let moment = Timestamp(rfc3339: text) ?? Quantity.duration(text).map { .now + $0 }
        guard let moment else {
            throw CommandFailure(
                .usage,
                "--expires must be a time such as 2027-01-31T00:00:00Z, or 30d"
            )
        }
        return .object(JSONObject([("expires_at", .string(moment.rfc3339))]))
    }
}
