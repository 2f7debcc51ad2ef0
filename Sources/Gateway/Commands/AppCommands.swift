import Wire

/// `app …`: applications.
enum AppCommands {
    static let all = [
        Command(
            "app add",
            "NAME",
            "makes an application and issues its first key",
            options: [
                .value("relay", "internal|external", "recipients: accepted domains only, or any"),
                .value(
                    "sender",
                    "PATTERN",
                    "whom it sends as: a@d, *@d, *@*.d or *",
                    repeatable: true
                ),
                .value("recipient", "PATTERN", "whom it may write to", repeatable: true),
                .value("scope", "SCOPE", "what its keys may do", repeatable: true),
                .value("rate", "N/min", "messages a minute"),
                .value("ip", "CIDR", "addresses its keys may be used from", repeatable: true),
                .value(
                    "certificate",
                    "HEX",
                    "a client certificate that is this application, by its SHA-256 fingerprint",
                    repeatable: true
                ),
                .value("default-from", "ADDRESS", "the sender where a message names none"),
                .value(
                    "default-to",
                    "ADDRESS",
                    "the recipient where a message names none",
                    repeatable: true
                ),
                .value(
                    "uncertain",
                    "retry|hold",
                    "when nobody knows whether the next hop has its mail: send again, or wait"
                ),
                .value("deliver-within", "DURATION", "how long its mail may wait"),
                .value("escalate-route", "NAME", "the send connector that takes it then"),
                .value("escalate-to", "ADDRESS", "who gets a copy of what still waits, or fails"),
                .value("expires", "TIME|DURATION", "the end of the first key"),
            ],
            run: add
        ),
        Command("app list", "", "lists applications", run: list),
        Command("app show", "NAME", "shows one application", run: show),
        Command(
            "app remove",
            "NAME",
            "removes an application, its keys and its credentials",
            run: remove
        ),
    ]

    @Sendable
    private static func add(_ it: Invocation) async throws(CommandFailure) {
        let name = try it.arguments.expect(["NAME"])[0]
        let client = try await ControlClient(it)
        defer { client.finish() }
        let application = try await client.ask(
            .post,
            "/v1/applications",
            form(name, it.arguments)
        ).json
        let place = "/v1/applications/\(application["id"].text)/keys"
        let key = try await client.ask(
            .post,
            place,
            try KeyCommands.expiry(it.arguments)
        ).json
        guard !it.wantsJSON else {
            var members = application.members
            members.append(("key", .string(key["key"].text)))
            members.append(("key_id", .string(key["id"].text)))
            return it.say(JSONValue.object(JSONObject(members)).description)
        }
        it.say("application \(name) (\(application["id"].text))")
        it.say("key \(key["key"].text)")
        it.say("The key is shown this once; keep it where only the application can read it.")
    }

    private static func form(_ name: String, _ arguments: Arguments) -> JSONValue {
        var members: [(String, JSONValue)] = [("name", .string(name))]
        for (option, field) in [
            ("relay", "relay"), ("rate", "rate"), ("default-from", "default_from"),
            ("uncertain", "uncertain"), ("deliver-within", "deliver_within"),
            ("escalate-route", "escalate_route"), ("escalate-to", "escalate_to"),
        ] {
            if let value = arguments.value(option) { members.append((field, .string(value))) }
        }
        for (option, field) in [
            ("sender", "senders"), ("recipient", "recipients"), ("scope", "scopes"),
            ("ip", "ip_ranges"), ("certificate", "certificates"), ("default-to", "default_to"),
        ] where arguments.has(option) {
            members.append((field, .array(arguments.all(option).map { .string($0) })))
        }
        return .object(JSONObject(members))
    }

    @Sendable
    private static func list(_ it: Invocation) async throws(CommandFailure) {
        _ = try it.arguments.expect([])
        try await Listing.print(
            it,
            "/v1/applications",
            [
                ("NAME", "name"), ("RELAY", "relay"), ("SENDERS", "senders"), ("SCOPES", "scopes"),
                ("RATE", "rate"), ("ID", "id"),
            ]
        )
    }

    @Sendable
    private static func show(_ it: Invocation) async throws(CommandFailure) {
        let name = try it.arguments.expect(["NAME"])[0]
        let client = try await ControlClient(it)
        defer { client.finish() }
        let response = try await client.ask(.get, "/v1/applications/\(name.percentEncoded)")
        it.say(it.wantsJSON ? response.text : Listing.facts(response.json))
    }

    @Sendable
    private static func remove(_ it: Invocation) async throws(CommandFailure) {
        let name = try it.arguments.expect(["NAME"])[0]
        let client = try await ControlClient(it)
        defer { client.finish() }
        _ = try await client.ask(.delete, "/v1/applications/\(name.percentEncoded)")
        it.say(it.wantsJSON ? "{\"removed\":true}" : "application \(name) removed")
    }
}

extension JSONValue {
    var members: [(String, JSONValue)] {
        if case .object(let object) = self { object.map { ($0.key, $0.value) } } else { [] }
    }
}

extension String {
    /// For one segment of a path, or one value of a query.
    var percentEncoded: String { PercentCoding.encode(self) }
}
