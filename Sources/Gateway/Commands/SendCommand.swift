import Glibc
import Mail
import Net
import Store
import Wire

/// `send`: a message from a shell, by the socket that local users may use.
enum SendCommand {
    static let all = [
        Command(
            "send",
            "",
            "submits a message; its text comes from --text or standard input",
            options: [
                .value("from", "ADDRESS", "the sender (this user at the gateway's hostname)"),
                .value("to", "ADDRESS", "a recipient", repeatable: true),
                .value("subject", "TEXT", "the subject"),
                .value("text", "TEXT", "the text"),
                .value("attach", "FILE", "a file to attach", repeatable: true),
                .value("app", "NAME", "submit as this application; its key is in $POSTERN_KEY"),
            ],
            run: run
        )
    ]

    @Sendable
    private static func run(_ it: Invocation) async throws(CommandFailure) {
        _ = try it.arguments.expect([])
        let place = try ConfigurationFile.place(it.configurationFile)
        let form = try SendForm(it.arguments, hostname: place.hostname)
        let credentials = try credentials(it)
        let mail = form.mail()
        let path = "\(place.dataDirectory)/submit.sock"
        let reply = try await submit(mail, form, credentials, to: path)
        let name = reply.text.split(separator: "InternalId=").last?.prefix { $0 != "," } ?? ""
        it.say(
            it.wantsJSON
                ? JSONValue.object(JSONObject([("id", .string(String(name)))])).description
                : String(name)
        )
    }

    private static func credentials(
        _ it: Invocation
    ) throws(CommandFailure) -> (username: String, password: String)? {
        guard let app = it.arguments.value("app") else { return nil }
        guard let key = it.environment["POSTERN_KEY"], !key.isEmpty else {
            throw CommandFailure(.usage, "--app needs the application's key in $POSTERN_KEY")
        }
        return (app, key)
    }

    private static func submit(
        _ mail: [UInt8],
        _ form: SendForm,
        _ credentials: (username: String, password: String)?,
        to path: String
    ) async throws(CommandFailure) -> SMTPReply {
        let loops = EventLoops(count: 1)
        defer { loops.shutDown() }
        let result = await loops.next().run { () async -> Result<SMTPReply, CommandFailure> in
            guard
                let stream = try? await Connection.connect(
                    to: .unix(path: path),
                    within: .seconds(5)
                )
            else {
                return .failure(
                    CommandFailure(.tryAgain, "no server answers at \(path); is postern running?")
                )
            }
            defer { stream.close() }
            var talk = SMTPTalk(stream)
            do {
                return .success(
                    try await talk.submit(
                        mail,
                        from: form.sender,
                        to: form.recipients,
                        as: form.hostname,
                        credentials: credentials
                    )
                )
            } catch let refusal as SMTPRefusal {
                return .failure(CommandFailure(refusal.reply))
            } catch {
                return .failure(CommandFailure(.tryAgain, "the server broke off: \(error)"))
            }
        }
        return try result.get()
    }
}

extension CommandFailure {
    /// A refusal of SMTP: 4yz can be tried again, 53x is a matter of permission.
    init(_ reply: SMTPReply) {
        let status: ExitStatus =
            reply.isTransient
            ? .tryAgain
            : (530...539).contains(reply.code) || reply.code == 550
                ? .notPermitted : .badData
        self.init(status, "the gateway answered \(reply)")
    }
}

/// What `send` was told, as a draft.
private struct SendForm {
    let hostname: String
    let sender: Mailbox
    let recipients: [Mailbox]
    private var draft: Draft

    init(_ arguments: Arguments, hostname: String) throws(CommandFailure) {
        self.hostname = hostname
        let user = getpwuid(getuid()).map { String(cString: $0.pointee.pw_name) } ?? "root"
        let from = try Self.mailbox(arguments.value("from") ?? "\(user)@\(hostname)")
        var to: [NamedMailbox] = []
        for text in arguments.all("to") { to.append(try Self.mailbox(text)) }
        guard !to.isEmpty else { throw CommandFailure(.usage, "--to ADDRESS is needed") }
        let now = Timestamp.now
        draft = Draft(
            from: from,
            messageID: "<\(MessageID(at: now))@\(hostname)>",
            date: now
        )
        draft.to = to
        draft.subject = arguments.value("subject")
        draft.text = arguments.value("text") ?? Self.standardInput()
        for path in arguments.all("attach") {
            guard let octets = TextFile.octets(path) else {
                throw CommandFailure(
                    .badData,
                    "\(path): cannot be read (\(String(cString: strerror(errno))))"
                )
            }
            let name = path.split(separator: "/").last.map(String.init) ?? path
            draft.attachments.append(
                Draft.Attachment(
                    filename: name,
                    contentType: "application/octet-stream",
                    contentID: nil,
                    disposition: .attachment,
                    content: .octets(octets)
                )
            )
        }
        sender = from.mailbox
        recipients = to.map(\.mailbox)
    }

    private static func mailbox(_ text: String) throws(CommandFailure) -> NamedMailbox {
        do throws(AddressError) {
            return try NamedMailbox(parsing: text)
        } catch {
            throw CommandFailure(.badData, "\(text): \(error.reason)")
        }
    }

    private static func standardInput() -> String {
        String(decoding: TextFile.octets(STDIN_FILENO) ?? [], as: UTF8.self)
    }

    func mail() -> [UInt8] {
        var random = SystemRandomNumberGenerator()
        return draft.composed(boundary: random.next()).reduce(into: []) { mail, segment in
            if case .octets(let octets) = segment { mail += octets }
        }
    }
}
