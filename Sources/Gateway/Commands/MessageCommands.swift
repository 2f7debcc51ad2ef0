import Wire

/// `message …`: what became of one message.
enum MessageCommands {
    static let all = [
        Command("message show", "ID", "shows a message and each recipient's state", run: show),
        Command("message events", "ID", "lists what happened to a message", run: events),
        Command("message source", "ID", "prints the mail as sent", run: source),
    ]

    @Sendable
    private static func show(_ it: Invocation) async throws(CommandFailure) {
        let response = try await ask(it, "")
        guard !it.wantsJSON else { return it.say(response.text) }
        let message = response.json
        it.say(Listing.facts(message))
        it.say("")
        let rows = message["recipients"].elements.map { recipient in
            let reply = recipient["last_reply"]
            return [
                recipient["address"].text, recipient["status"].text, recipient["route"].text,
                recipient["attempts"].text, recipient["next_attempt_at"].text,
                [reply["code"].text, reply["enhanced"].text, reply["text"].text]
                    .filter { !$0.isEmpty && $0 != "0" }.joined(separator: " "),
            ]
        }
        it.say(
            Terminal.table(
                ["RECIPIENT", "STATUS", "ROUTE", "ATTEMPTS", "NEXT ATTEMPT", "LAST REPLY"],
                rows
            )
        )
    }

    @Sendable
    private static func events(_ it: Invocation) async throws(CommandFailure) {
        let response = try await ask(it, "/events")
        let rows = response.json["data"].elements
        guard !it.wantsJSON else { return it.say(JSONValue.array(rows).description) }
        it.say(
            Terminal.table(
                ["AT", "EVENT", "RECIPIENT", "DETAIL"],
                rows.map {
                    let detail = $0["detail"]
                    return [
                        $0["created_at"].text, $0["type"].text, $0["recipient"].text,
                        detail?.isNull ?? true ? "" : detail?.description ?? "",
                    ]
                }
            )
        )
    }

    @Sendable
    private static func source(_ it: Invocation) async throws(CommandFailure) {
        let response = try await ask(it, "/source")
        Terminal.write(response.body)
    }

    private static func ask(
        _ it: Invocation,
        _ part: String
    ) async throws(CommandFailure) -> ControlClient.Response {
        let id = try it.arguments.expect(["ID"])[0]
        let client = try await ControlClient(it)
        defer { client.finish() }
        return try await client.ask(.get, "/v1/messages/\(id.percentEncoded)\(part)")
    }
}
