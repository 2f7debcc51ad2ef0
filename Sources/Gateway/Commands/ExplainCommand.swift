import Wire

/// `explain`: what would Postern do with that mail? The live code path answers.
enum ExplainCommand {
    static let all = [
        Command(
            "explain",
            "--from A --to B",
            "says what would become of a mail, rule by rule",
            options: [
                .value("from", "ADDRESS", "the envelope's sender; \"\" is the null sender"),
                .value("to", "ADDRESS", "the recipient"),
                .value("ip", "ADDRESS", "the client's (127.0.0.1)"),
                .value(
                    "local",
                    "ADDRESS",
                    "the address it connects to (loopback, if served there)"
                ),
                .value("port", "N", "the port it connects to"),
                .value("app", "NAME", "the application whose key it shows"),
                .flag("tls", "the session uses TLS"),
                .value("size", "OCTETS", "of the message, or 20MB"),
            ],
            run: run
        )
    ]

    @Sendable
    private static func run(_ it: Invocation) async throws(CommandFailure) {
        _ = try it.arguments.expect([])
        let question = try question(it.arguments)
        let client = try await ControlClient(it)
        defer { client.finish() }
        let response = try await client.ask(.post, "/v1/explain", question)
        guard !it.wantsJSON else { return it.say(response.text) }
        let answer = response.json
        for rule in answer["rules"].elements {
            let name = rule["name"].text
            it.say(
                "  " + name + String(repeating: " ", count: max(1, 11 - name.count))
                    + rule["finding"].text
            )
        }
        let reply = answer["reply"]
        it.say("")
        it.say("accepted   " + answer["accepted"].text)
        it.say("connector  " + answer["connector"].text)
        it.say("reply      \(reply["code"].text) \(reply["enhanced"].text) \(reply["text"].text)")
        if !answer["route"].text.isEmpty {
            it.say("route      " + answer["route"].text)
            it.say("retry      " + answer["retry"].text)
        }
    }

    private static func question(_ arguments: Arguments) throws(CommandFailure) -> JSONValue {
        guard let from = arguments.value("from"), let to = arguments.value("to") else {
            throw CommandFailure(.usage, "--from and --to are needed")
        }
        var members: [(String, JSONValue)] = [("from", .string(from)), ("to", .string(to))]
        for (option, field) in [("ip", "ip"), ("local", "local"), ("app", "application")] {
            if let value = arguments.value(option) { members.append((field, .string(value))) }
        }
        if let port = try arguments.number("port", in: 1...65_535) {
            members.append(("port", .number(JSONNumber(port))))
        }
        if arguments.has("tls") { members.append(("tls", .bool(true))) }
        if let size = arguments.value("size") {
            guard let octets = Quantity.octets(size) else {
                throw CommandFailure(.usage, "--size must be a number of octets, or 20MB")
            }
            members.append(("size", .number(JSONNumber(octets))))
        }
        return .object(JSONObject(members))
    }
}
