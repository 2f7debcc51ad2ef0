import Wire

/// `queue retry|hold|release|cancel|reroute`: by id, or for all that a filter finds.
enum QueueOrderCommands {
    static let all = [
        order("retry", "sends at once what waits or was given up"),
        order("hold", "keeps mail from being sent"),
        order("release", "lets held mail go; without ID and filter all of it"),
        order("cancel", "gives up what has not left yet"),
        order(
            "reroute",
            "sends mail by another route",
            [.value("to-route", "NAME", "the route that shall carry it")]
        ),
    ]

    private static let filters = [
        ("to", "recipient"), ("from", "sender"), ("app", "application"), ("route", "route"),
        ("status", "status"),
    ]

    private static func order(_ verb: String, _ summary: String, _ own: [Option] = []) -> Command {
        Command(
            "queue \(verb)",
            "[ID…]",
            summary,
            options: own + [
                .value("to", "ADDRESS", "to this recipient, or @domain"),
                .value("from", "ADDRESS", "from this sender, or @domain"),
                .value("app", "NAME", "of this application"),
                .value("route", "NAME", "that waits for this route"),
                .value("status", "STATUS", "in this state; without it whatever waits"),
                .flag("all", "all that waits, where no filter is given"),
                .flag("dry-run", "only counts"),
            ]
        ) { it async throws(CommandFailure) in
            try await carryOut(verb, it)
        }
    }

    private static func carryOut(
        _ verb: String,
        _ it: Invocation
    ) async throws(CommandFailure) {
        let arguments = it.arguments
        let isFiltered = filters.contains { arguments.has($0.0) }
        guard arguments.words.isEmpty || !isFiltered else {
            throw CommandFailure(.usage, "give ids or a filter, not both")
        }
        if verb == "reroute", arguments.value("to-route") == nil {
            throw CommandFailure(.usage, "--to-route NAME is needed")
        }
        guard isFiltered || !arguments.words.isEmpty || arguments.has("all") || isSafe(verb) else {
            throw CommandFailure(
                .usage,
                "give ids, a filter (--to --from --app --route --status), or --all"
            )
        }
        let client = try await ControlClient(it)
        defer { client.finish() }
        let count =
            arguments.words.isEmpty
            ? try await orderMatching(verb, it, client) : try await orderEach(verb, it, client)
        guard !it.wantsJSON else { return it.say("{\"count\":\(count)}") }
        let noun = count == 1 ? "recipient" : "recipients"
        it.say(arguments.has("dry-run") ? "\(count) \(noun) would change" : "\(count) \(noun)")
    }

    /// What all mail may be told without a further word.
    private static func isSafe(_ verb: String) -> Bool { ["retry", "release"].contains(verb) }

    private static func orderMatching(
        _ verb: String,
        _ it: Invocation,
        _ client: ControlClient
    ) async throws(CommandFailure) -> Int {
        var filter: [(String, JSONValue)] = []
        for (option, field) in filters {
            if let value = it.arguments.value(option) { filter.append((field, .string(value))) }
        }
        return try await order(verb, filter, it, client)
    }

    /// One message after the other; an order that one of them does not take ends the command.
    private static func orderEach(
        _ verb: String,
        _ it: Invocation,
        _ client: ControlClient
    ) async throws(CommandFailure) -> Int {
        var count = 0
        for id in it.arguments.words {
            count += try await order(verb, [("message", .string(id))], it, client)
        }
        return count
    }

    private static func order(
        _ verb: String,
        _ filter: [(String, JSONValue)],
        _ it: Invocation,
        _ client: ControlClient
    ) async throws(CommandFailure) -> Int {
        var body: [(String, JSONValue)] = [("filter", .object(JSONObject(filter)))]
        if let route = it.arguments.value("to-route") { body.append(("to_route", .string(route))) }
        if it.arguments.has("dry-run") { body.append(("dry_run", .bool(true))) }
        let answer = try await client.ask(.post, "/v1/queue/\(verb)", .object(JSONObject(body)))
        return Int(answer.json["count"].text) ?? 0
    }
}
