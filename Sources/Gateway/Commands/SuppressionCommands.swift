import Wire

/// `suppression …`: the addresses to which nothing is sent.
enum SuppressionCommands {
    static let all = [
        Command("suppression list", "", "lists addresses to which nothing is sent", run: list),
        Command(
            "suppression add",
            "ADDRESS",
            "sends nothing to an address",
            options: [
                .value("for", "DURATION", "only so long (30d); else until it is removed"),
                .value("comment", "TEXT", "why"),
            ],
            run: add
        ),
        Command("suppression remove", "ADDRESS", "sends to an address again", run: remove),
    ]

    @Sendable
    private static func list(_ it: Invocation) async throws(CommandFailure) {
        _ = try it.arguments.expect([])
        let client = try await ControlClient(it)
        defer { client.finish() }
        var (rows, cursor) = ([JSONValue](), "")
        repeat {
            let target = "/v1/suppressions?limit=200&cursor=\(cursor.percentEncoded)"
            let page = try await client.ask(.get, target).json
            rows += page["data"].elements
            cursor = page["next_cursor"].text
        } while !cursor.isEmpty
        Listing.show(
            it,
            rows,
            [
                ("ADDRESS", "address"), ("REASON", "reason"), ("SINCE", "created_at"),
                ("UNTIL", "expires_at"), ("COMMENT", "comment"),
            ]
        )
    }

    @Sendable
    private static func add(_ it: Invocation) async throws(CommandFailure) {
        let address = try it.arguments.expect(["ADDRESS"])[0]
        var body: [(String, JSONValue)] = [("address", .string(address))]
        for option in ["for", "comment"] {
            if let value = it.arguments.value(option) { body.append((option, .string(value))) }
        }
        let client = try await ControlClient(it)
        defer { client.finish() }
        let answer = try await client.ask(.post, "/v1/suppressions", .object(JSONObject(body)))
        it.say(it.wantsJSON ? answer.text : "nothing is sent to \(answer.json["address"].text)")
    }

    @Sendable
    private static func remove(_ it: Invocation) async throws(CommandFailure) {
        let address = try it.arguments.expect(["ADDRESS"])[0]
        let client = try await ControlClient(it)
        defer { client.finish() }
        _ = try await client.ask(.delete, "/v1/suppressions/\(address.percentEncoded)")
        it.say(it.wantsJSON ? "{\"removed\":true}" : "mail to \(address) is sent again")
    }
}
