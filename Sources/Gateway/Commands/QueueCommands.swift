import Wire

/// `queue …`: what waits.
enum QueueCommands {
    static let all = [
        Command("queue summary", "", "counts waiting recipients by route, domain and status") {
            it async throws(CommandFailure) in
            _ = try it.arguments.expect([])
            let client = try await ControlClient(it)
            defer { client.finish() }
            let queue = try await client.ask(.get, "/v1/queue")
            guard !it.wantsJSON else { return it.say(queue.text) }
            it.say("\(queue.json["depth"].text) recipients wait")
            Listing.show(
                it,
                queue.json["data"].elements,
                [
                    ("ROUTE", "route"), ("DOMAIN", "domain"), ("LANE", "lane"),
                    ("STATUS", "status"), ("COUNT", "count"), ("OLDEST", "oldest_at"),
                ]
            )
        },
        Command(
            "queue list",
            "",
            "lists messages that wait",
            options: [
                .value("to", "ADDRESS", "to this recipient, or @domain"),
                .value("from", "ADDRESS", "from this sender, or @domain"),
                .value("app", "NAME", "of this application"),
                .value("route", "NAME", "by this route"),
                .value("status", "STATUS", "only in this state"),
                .value("limit", "N", "at most so many (200)"),
            ],
            run: list
        ),
    ]

    /// Asked one after the other: what is tried between two questions is found by the last.
    private static let waiting = [
        "sending", "queued", "deferred", "held", "scheduled", "uncertain", "sending",
    ]

    @Sendable
    private static func list(_ it: Invocation) async throws(CommandFailure) {
        _ = try it.arguments.expect([])
        let limit = try it.arguments.number("limit", in: 1...200) ?? 200
        let client = try await ControlClient(it)
        defer { client.finish() }
        var filter = "limit=\(limit)"
        for (option, field) in [
            ("to", "recipient"), ("from", "sender"), ("app", "application"), ("route", "route"),
        ] {
            if let value = it.arguments.value(option) {
                filter += "&\(field)=\(value.percentEncoded)"
            }
        }
        var messages: [JSONValue] = []
        var seen: Set<String> = []
        for status in it.arguments.value("status").map({ [$0] }) ?? waiting {
            let target = "/v1/messages?\(filter)&recipient_status=\(status.percentEncoded)"
            let found = try await client.ask(.get, target).json["data"].elements
            messages += found.filter { seen.insert($0["id"].text).inserted }
        }
        messages.sort { $0["id"].text > $1["id"].text }
        show(Array(messages.prefix(limit)), it)
    }

    private static func show(_ messages: [JSONValue], _ it: Invocation) {
        guard !it.wantsJSON else { return it.say(JSONValue.array(messages).description) }
        let rows = messages.map { message in
            let recipients = message["recipients"].elements
            let next = recipients.map { $0["next_attempt_at"].text }.filter { !$0.isEmpty }.min()
            return [
                message["id"].text, message["status"].text, message["from"].text,
                recipients.map { $0["address"].text }.joined(separator: " "),
                message["created_at"].text, next ?? "",
            ]
        }
        it.say(
            Terminal.table(["ID", "STATUS", "FROM", "TO", "CREATED", "NEXT ATTEMPT"], rows)
        )
    }
}
