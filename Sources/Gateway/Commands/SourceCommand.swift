import Wire

/// `source list`: who has used which door.
enum SourceCommand {
    static let all = [
        Command(
            "source list",
            "",
            "lists who has used which door",
            options: [
                .value("address", "RANGE", "only from this address, CIDR block or a-b"),
                .value("connector", "NAME", "only at this receive connector"),
                .value("app", "NAME", "only as this application"),
            ],
            run: list
        )
    ]

    @Sendable
    private static func list(_ it: Invocation) async throws(CommandFailure) {
        _ = try it.arguments.expect([])
        let client = try await ControlClient(it)
        defer { client.finish() }
        let filters = [("address", "address"), ("connector", "connector"), ("app", "application")]
        let narrowing = filters.compactMap { option, parameter in
            it.arguments.value(option).map { "\(parameter)=\($0.percentEncoded)" }
        }
        var rows: [JSONValue] = []
        var cursor: String?
        repeat {
            let page = narrowing + ["limit=200"] + (cursor.map { ["cursor=\($0)"] } ?? [])
            let answer = try await client.ask(.get, "/v1/sources?" + page.joined(separator: "&"))
            rows += answer.json["data"].elements
            cursor = answer.json["next_cursor"].text
        } while cursor?.isEmpty == false
        Listing.show(
            it,
            rows,
            [
                ("ADDRESS", "address"), ("CONNECTOR", "connector"), ("PRINCIPAL", "principal"),
                ("HELO", "helo"), ("TLS", "tls"), ("AUTH", "mechanism"), ("MESSAGES", "messages"),
                ("REFUSALS", "refusals"), ("QUIRKS", "quirks"), ("FIRST SEEN", "first_seen"),
                ("LAST SEEN", "last_seen"),
            ]
        )
    }
}
