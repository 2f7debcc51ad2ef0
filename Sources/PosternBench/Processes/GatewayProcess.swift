import Net
import Wire

/// The real gateway as its own process, with an application and its key.
final class GatewayProcess {
    let http: SocketAddress
    let smtp: SocketAddress
    let key: String
    let directory: String
    private let program: String
    private let file: String
    private var child: Child

    /// All its mail goes to `nextHop`.
    convenience init(_ bench: Bench, nextHop: SocketAddress) async throws(Invalid) {
        try await self.init(bench, routes: [Route(addressSpace: "*", nextHop: nextHop)])
    }

    init(_ bench: Bench, routes: [Route]) async throws(Invalid) {
        program = try Tool.beside("postern")
        directory = try bench.workplace.make("gateway")
        let ports = try FreePorts.take(2)
        (http, smtp) = (ports[0], ports[1])
        file = "\(directory)/postern.json5"
        let data = "\(directory)/data"
        try TextFile.write(
            Self.configuration(data: data, http: http, smtp: smtp, routes: routes),
            to: file
        )
        child = try Child(program, ["serve", "--config", file], output: "\(directory)/log")
        try await Self.waitUntilReady(child, http, on: bench.clients)
        key = try await Self.addApplication(program, file, directory)
    }

    /// A send connector of its configuration.
    struct Route {
        let addressSpace: String
        let nextHop: SocketAddress
    }

    /// Stops it as an operator would and starts it again; answers the seconds from its start until it
    /// was ready.
    func restart(_ bench: Bench) async throws(Invalid) -> Double {
        child.end(patience: .seconds(35))
        guard child.exitStatus == 0 else {
            throw Invalid("the gateway ended with \(child.exitStatus ?? -1)")
        }
        let start = Clock.now
        child = try Child(program, ["serve", "--config", file], output: "\(directory)/log")
        try await Self.waitUntilReady(child, http, on: bench.clients)
        return Clock.seconds(since: start)
    }

    var pid: Int32 { child.pid }
    var host: String { http.description }
    var database: String { "\(directory)/data/postern.sqlite3" }

    /// Ends it and removes its data; a gateway that ended by itself makes the run invalid.
    func close() throws(Invalid) {
        if let status = child.exitStatus {
            throw Invalid("the gateway ended with \(status):\n\(child.text.suffix(2000))")
        }
        child.end()
        Workplace.remove(directory)
    }

    private static func configuration(
        data: String,
        http: SocketAddress,
        smtp: SocketAddress,
        routes: [Route]
    ) -> String {
        let connectors = routes.map { route in
            """
                { name: "To \(route.addressSpace)", addressSpaces: ["\(route.addressSpace)"],
                  smartHosts: ["\(route.nextHop)"], tls: "none" },
            """
        }
        return """
            {
              hostname: "relay.bench.example",
              dataDirectory: "\(data)",
              log: { level: "warning" },
              receiveConnectors: [
                { name: "API", protocol: "http", bindings: ["\(http)"],
                  permissionGroups: ["applications"] },
                { name: "Devices", bindings: ["\(smtp)"], tls: { mode: "none" },
                  permissionGroups: ["anonymous"], rights: ["acceptAnyRecipient"],
                  limits: { connectionsPerSource: 5000 } },
              ],
              sendConnectors: [
            \(connectors.joined(separator: "\n"))
              ],
            }
            """
    }

    private static func waitUntilReady(
        _ child: Child,
        _ http: SocketAddress,
        on loop: EventLoop
    ) async throws(Invalid) {
        let deadline = ContinuousClock.now + .seconds(20)
        let probe = HTTPLoad(
            address: http,
            requests: [HTTPRequests.get("/readyz", from: http.description, key: "")],
            status: 200
        )
        while true {
            do throws(Invalid) {
                _ = try await probe.run(connections: 1, .messages(1), on: loop)
                return
            } catch {
                guard child.exitStatus == nil, ContinuousClock.now < deadline else {
                    throw Invalid("the gateway did not start:\n\(child.text.suffix(2000))\(error)")
                }
                try? await Task.sleep(for: .milliseconds(20))
            }
        }
    }

    /// Answers the key, as an administrator would get it.
    private static func addApplication(
        _ program: String,
        _ configuration: String,
        _ directory: String
    ) async throws(Invalid) -> String {
        let words = [
            "app", "add", "bench", "--relay", "external", "--sender", "*", "--json",
            "--config", configuration,
        ]
        let command = try Child(program, words, output: "\(directory)/application")
        try await command.finish(within: .seconds(20))
        let answer = try? JSONValue.parse(Array(command.text.utf8).span)
        guard case .object(let members) = answer, case .string(let key) = members["key"] else {
            throw Invalid("app add answered \(command.text)")
        }
        return key
    }
}

/// A next hop that lets one connect and never speaks: mail stays queued, as in Postfix's hold queue.
struct SilentHop {
    private let listener: Listener

    init() throws(Invalid) { listener = try FreePorts.listener() }

    var address: SocketAddress { listener.local }
    func close() { listener.stop() }
}
