import Mail
import Wire

/// `route …`: the send connectors, and whether they carry mail.
enum RouteCommands {
    static let all = [
        Command("route list", "", "lists send connectors and how they are", run: list),
        Command(
            "route suspend",
            "NAME",
            "lets a route carry nothing for the time being",
            options: [
                .value("for", "DURATION", "resumes by itself after 30m, 2h, 1d"),
                .value("until", "TIME", "resumes by itself then"),
                .value("reason", "TEXT", "why; shown by route list"),
            ],
            run: suspend
        ),
        Command("route resume", "NAME", "lets a route carry mail again, at once", run: resume),
    ]

    @Sendable
    private static func list(_ it: Invocation) async throws(CommandFailure) {
        _ = try it.arguments.expect([])
        let client = try await ControlClient(it)
        defer { client.finish() }
        let routes = try await client.ask(.get, "/v1/routes").json["data"].elements
        guard !it.wantsJSON else { return it.say(JSONValue.array(routes.map(named)).description) }
        it.say(
            Terminal.table(
                [
                    "NAME", "STATE", "UNTIL", "QUEUE", "SENDING", "CONNECTIONS", "HOSTS",
                    "ADDRESS SPACES", "REASON",
                ],
                routes.map { route in
                    let error = route["state"].text == "active" ? route["last_error"] : nil
                    return [
                        route["name"].text, route["state"].text, route["until"].text,
                        route["queue_depth"].text, route["sending"].text,
                        route["open_connections"].text,
                        hosts(route).joined(separator: " "), route["address_spaces"].text,
                        route["reason"].text + (error.text.isEmpty ? "" : "last: \(error.text)"),
                    ]
                }
            )
        )
    }

    /// Every listing's objects have an id; a route's is its name.
    private static func named(_ route: JSONValue) -> JSONValue {
        .object(JSONObject([("id", .string(route["name"].text))] + route.members))
    }

    private static func hosts(_ route: JSONValue) -> [String] {
        let hosts = route["hosts"].elements.map { host in
            host["host"].text + (host["state"].text == "dead" ? " (dead)" : "")
        }
        return hosts.isEmpty ? [route["delivery"].text] : hosts
    }

    @Sendable
    private static func suspend(_ it: Invocation) async throws(CommandFailure) {
        var body: [(String, JSONValue)] = []
        for option in ["for", "until", "reason"] {
            if let value = it.arguments.value(option) { body.append((option, .string(value))) }
        }
        try await order("suspend", it, body)
    }

    @Sendable
    private static func resume(_ it: Invocation) async throws(CommandFailure) {
        try await order("resume", it, [])
    }

    private static func order(
        _ verb: String,
        _ it: Invocation,
        _ body: [(String, JSONValue)]
    ) async throws(CommandFailure) {
        let name = try it.arguments.expect(["NAME"])[0]
        let client = try await ControlClient(it)
        defer { client.finish() }
        let target = "/v1/routes/\(name.percentEncoded)/\(verb)"
        let answer = try await client.ask(.post, target, .object(JSONObject(body)))
        guard !it.wantsJSON else { return it.say(answer.text) }
        let route = answer.json
        let end = route["until"].text
        it.say(
            "route \(route["name"].text) is \(route["state"].text)"
                + (end.isEmpty ? "" : " until \(end)")
        )
    }
}
