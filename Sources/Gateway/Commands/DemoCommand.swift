import Glibc
import Mail
import Net
import Store
import Wire

/// `demo`: a gateway on loopback that keeps what it is sent, to be tried at once.
enum DemoCommand {
    static let all = [
        Command(
            "demo",
            "",
            "runs a gateway on loopback with a captured-mail route",
            options: [
                .value("http", "PORT", "of the HTTP API (8025)"),
                .value("smtp", "PORT", "of SMTP (2525)"),
                .value("submission", "PORT", "of SMTP with STARTTLS and login (2587)"),
                .value("data", "DIR", "where the mail is kept (a fresh temporary directory)"),
                .flag("once", "sends itself a message by each door, prints the receipts and ends"),
            ],
            run: run
        )
    ]

    private static let application = "demo"

    @Sendable
    private static func run(_ it: Invocation) async throws(CommandFailure) {
        _ = try it.arguments.expect([])
        let signals = Signals()
        let isOnce = it.arguments.has("once")
        let directory = try dataDirectory(it.arguments)
        let ports = DemoPorts(
            http: try port(it.arguments, "http", isOnce ? 0 : 8025),
            smtp: try port(it.arguments, "smtp", isOnce ? 0 : 2525),
            submission: try port(it.arguments, "submission", isOnce ? 0 : 2587)
        )
        let settings = DemoSettings(ports: ports, directory: directory)
        let configuration = try settings.configuration()
        let log = Log(level: .warning, clock: { .now })
        let server = try await ServeCommand.start(configuration, log)
        let key: String
        do throws(StoreError) {
            key = try await issueKey(server.gateway)
        } catch {
            throw CommandFailure(error)
        }
        guard !isOnce else {
            return try await DemoRound(ports: ports, key: key).run(it, on: server)
        }
        it.say(welcome(ports, key, directory))
        for await event in signals.events where event == .stop { break }
        it.say("\nstopping")
        await server.drain()
    }

    /// 0 asks the system for a free one.
    private static func port(
        _ arguments: Arguments,
        _ name: String,
        _ standard: Int
    ) throws(CommandFailure) -> Int {
        let port = try arguments.number(name, in: 0...65_535) ?? standard
        guard port == 0, let any = SocketAddress(ip: "127.0.0.1", port: 0) else { return port }
        do throws(StreamError) {
            let listener = try Listener(any)
            defer { listener.stop() }
            return listener.local.port
        } catch {
            throw CommandFailure(.unavailable, "no free port: \(error)")
        }
    }

    private static func dataDirectory(_ arguments: Arguments) throws(CommandFailure) -> String {
        if let directory = arguments.value("data") { return directory }
        let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(base)/postern-demo-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw CommandFailure(.cannotCreate, "no temporary directory could be made in \(base)")
        }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The demo's application with a new key; an earlier demo may have made it already.
    private static func issueKey(_ gateway: House) async throws(StoreError) -> String {
        let now = gateway.clock()
        var record = gateway.directory.application(application)
        if record == nil {
            let made = ApplicationRecord(
                id: ApplicationID(at: now),
                name: application,
                relaysExternally: true,
                senders: ["*"],
                scopes: Scope.standard.map(\.rawValue) + [Scope.content.rawValue],
                defaultFrom: "demo@demo.example",
                defaultTo: ["you@demo.example"],
                createdAt: now
            )
            try await gateway.store.insert(made)
            record = made
        }
        let key = APIKey.generate(.application)
        try await gateway.store.insert(
            KeyRecord(
                id: key.id,
                kind: .application,
                application: record?.id,
                secretHash: key.digest,
                createdAt: now
            )
        )
        try await gateway.directory.reload()
        return key.text
    }

    private static func welcome(_ ports: DemoPorts, _ key: String, _ directory: String) -> String {
        """
        Postern demo. Everything stays on this machine: mail is kept in \(directory), not sent.

        Key of the application "\(application)":
          \(key)

        Send a message over HTTP:
          curl -i http://127.0.0.1:\(ports.http)/v1/messages \\
            -H 'Authorization: Bearer \(key)' \\
            -H 'Content-Type: application/json' \\
            -d '{"from":"backup@demo.example","to":"you@demo.example","subject":"Nightly backup","text":"All 42 volumes are safe."}'

        Ask what became of your messages:
          curl -s http://127.0.0.1:\(ports.http)/v1/messages -H 'Authorization: Bearer \(key)'

        Send one over SMTP, as a printer would:
          swaks --server 127.0.0.1:\(ports.smtp) --from printer@demo.example --to you@demo.example

        And with STARTTLS and login, as an application would:
          swaks --server 127.0.0.1:\(ports.submission) --tls --auth LOGIN --auth-user demo --auth-password \(key) \\
            --from app@demo.example --to anyone@example.net

        Ctrl-C ends it.
        """
    }
}

/// Where the demo's doors are, all on 127.0.0.1.
struct DemoPorts: Sendable {
    let http: Int
    let smtp: Int
    let submission: Int
}

/// The embedded default configuration.
private struct DemoSettings {
    let ports: DemoPorts
    let directory: String

    func configuration() throws(CommandFailure) -> Configuration {
        let text = """
            {
              hostname: "postern.demo.example",
              dataDirectory: \(JSONValue.string(directory)),
              receiveConnectors: [
                { name: "HTTP API", protocol: "http", bindings: ["127.0.0.1:\(ports.http)"],
                  permissionGroups: ["applications"] },
                { name: "Default Frontend", bindings: ["127.0.0.1:\(ports.smtp)"], preset: "default-frontend" },
                { name: "Client Frontend", bindings: ["127.0.0.1:\(ports.submission)"], preset: "client-frontend" },
              ],
              acceptedDomains: [{ domain: "demo.example" }],
              sendConnectors: [{ name: "Captured", addressSpaces: ["*"], delivery: "capture" }],
              limits: { storeFloor: "64MB" },
            }
            """
        do throws(ConfigurationError) {
            return try ConfigurationReader.read(text, file: "demo", readSecret: { _ in nil })
        } catch {
            throw CommandFailure(
                .configuration,
                error.problems.map(\.description).joined(separator: "\n")
            )
        }
    }
}
