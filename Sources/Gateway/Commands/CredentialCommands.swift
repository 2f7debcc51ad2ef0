import Glibc
import Wire

/// `credential …`: user names and passwords of devices.
enum CredentialCommands {
    static let all = [
        Command(
            "credential add",
            "",
            "adds a user name and password for a device; without --password-stdin it makes one",
            options: [
                .value("app", "NAME", "the application the device sends as"),
                .value("username", "U", "the user name, unique over the gateway"),
                .flag("password-stdin", "reads the password from standard input, its first line"),
                .flag(
                    "cram-md5",
                    "keeps the password recoverable, encrypted, so that CRAM-MD5 can check it"
                ),
            ],
            run: add
        ),
        Command("credential list", "", "lists user names, never a password", run: list),
        Command(
            "credential remove",
            "USERNAME|ID",
            "removes a user name; open sessions lose it at once",
            run: remove
        ),
    ]

    @Sendable
    private static func add(_ it: Invocation) async throws(CommandFailure) {
        _ = try it.arguments.expect([])
        guard let application = it.arguments.value("app"),
            let username = it.arguments.value("username")
        else { throw CommandFailure(.usage, "--app NAME and --username U are needed") }
        var members: [(String, JSONValue)] = [
            ("application", .string(application)), ("username", .string(username)),
        ]
        if it.arguments.has("password-stdin") {
            members.append(("password", .string(try password())))
        }
        if it.arguments.has("cram-md5") { members.append(("cram_md5", .bool(true))) }
        let client = try await ControlClient(it)
        defer { client.finish() }
        let made = try await client.ask(
            .post,
            "/v1/credentials",
            .object(JSONObject(members))
        )
        guard !it.wantsJSON else { return it.say(made.text) }
        it.say("user \(username) (\(made.json["id"].text)) sends as \(application)")
        guard !made.json["password"].text.isEmpty else { return }
        it.say("password \(made.json["password"].text)")
        it.say("The password is shown this once; enter it at the device.")
    }

    /// Without the end of its line, which `echo` adds and nobody means.
    private static func password() throws(CommandFailure) -> String {
        guard let octets = TextFile.octets(STDIN_FILENO),
            let text = String(validating: octets.prefix { $0 != 10 && $0 != 13 }, as: UTF8.self),
            !text.isEmpty
        else {
            throw CommandFailure(
                .badData,
                "standard input must hold the password as one line of UTF-8 text"
            )
        }
        return text
    }

    @Sendable
    private static func list(_ it: Invocation) async throws(CommandFailure) {
        _ = try it.arguments.expect([])
        try await Listing.print(
            it,
            "/v1/credentials",
            [
                ("USERNAME", "username"), ("APPLICATION", "application_name"),
                ("CRAM-MD5", "cram_md5"), ("CREATED", "created_at"),
                ("LAST USED", "last_used_at"), ("ID", "id"),
            ]
        )
    }

    @Sendable
    private static func remove(_ it: Invocation) async throws(CommandFailure) {
        let name = try it.arguments.expect(["USERNAME|ID"])[0]
        let client = try await ControlClient(it)
        defer { client.finish() }
        _ = try await client.ask(.delete, "/v1/credentials/\(name.percentEncoded)")
        it.say(it.wantsJSON ? "{\"removed\":true}" : "credential \(name) removed")
    }
}
