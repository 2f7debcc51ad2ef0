import Glibc
import Mail
import Net
import Store
import Wire

/// Asks the API as the machine's administrator: of the running server by its control socket, or
/// of the store itself when no server runs. Either way the same code answers.
struct ControlClient: Sendable {
    private enum Way: Sendable {
        case socket(path: String)
        case inProcess(API)
    }

    typealias Response = HTTPExchangeClient.Response

    private let way: Way
    private let loops: EventLoops

    init(_ invocation: Invocation) async throws(CommandFailure) {
        let file = invocation.configurationFile
        let path = "\(try ConfigurationFile.place(file).dataDirectory)/control.sock"
        loops = EventLoops(count: 1)
        if await Self.answers(path, on: loops) {
            way = .socket(path: path)
        } else {
            way = .inProcess(try await Self.offline(try ConfigurationFile.load(file)))
        }
    }

    private static func answers(_ path: String, on loops: EventLoops) async -> Bool {
        await loops.next().run {
            guard
                let stream = try? await Connection.connect(
                    to: .unix(path: path),
                    within: .seconds(5)
                )
            else { return false }
            stream.close()
            return true
        }
    }

    private static func offline(_ configuration: Configuration) async throws(CommandFailure) -> API
    {
        let store = try StoreOpening.open(configuration, log: nil)
        let log = Log(level: .error, clock: { .now })
        let gateway = House(configuration, store: store, log: log)
        do {
            try await gateway.directory.reload()
        } catch {
            throw CommandFailure(error)
        }
        return API(gateway)
    }

    /// Ends the conversation; a store opened for it is closed.
    func finish() {
        if case .inProcess(let api) = way { api.gateway.store.close() }
        loops.shutDown()
    }

    /// The answer when it is a success.
    func ask(
        _ method: HTTPMethod,
        _ target: String,
        _ body: JSONValue? = nil
    ) async throws(CommandFailure) -> Response {
        let response = try await send(method, target, body)
        guard response.status < 300 else { throw CommandFailure(response) }
        return response
    }

    private func send(
        _ method: HTTPMethod,
        _ target: String,
        _ body: JSONValue?
    ) async throws(CommandFailure) -> Response {
        var request = HTTPRequest(method, target, authority: "localhost")
        if body != nil { request.append("Content-Type", "application/json") }
        let content = body.map { $0.serialized() } ?? []
        switch way {
        case .socket(let path):
            return try await Self.send(request, content, to: path, on: loops)
        case .inProcess(let api):
            return await Self.answer(request, content, by: api)
        }
    }

    private static func send(
        _ request: HTTPRequest,
        _ content: [UInt8],
        to path: String,
        on loops: EventLoops
    ) async throws(CommandFailure) -> Response {
        let result = await loops.next().run { () async -> Result<Response, CommandFailure> in
            do {
                let stream = try await Connection.connect(
                    to: .unix(path: path),
                    within: .seconds(5)
                )
                defer { stream.close() }
                return .success(try await HTTPExchangeClient.exchange(request, content, on: stream))
            } catch {
                return .failure(CommandFailure(.tryAgain, "the server at \(path): \(error)"))
            }
        }
        return try result.get()
    }

    /// The same octets that would go over the socket, read by the same parser.
    private static func answer(
        _ request: HTTPRequest,
        _ content: [UInt8],
        by api: API
    ) async -> Response {
        var octets: [UInt8] = []
        request.write([UInt8]().span, to: &octets)
        var parser = HTTPRequestParser()
        parser.receive(octets.span)
        guard case .head(let head)? = try? parser.next() else {
            return Response(status: 400, body: [])
        }
        let answer = await api.answer(
            Request(
                head: head,
                id: api.newRequestID(),
                connector: nil,
                peer: .loopback,
                isSecure: true,
                body: HeldBody(content),
                identity: .localAdministrator(getuid())
            )
        )
        switch answer.body {
        case .octets(let octets): return Response(status: answer.status, body: octets)
        case .content(let reader, _):
            var whole: [UInt8] = []
            while let piece = try? await reader.next() { whole += piece }
            return Response(status: answer.status, body: whole)
        case .events: return Response(status: 501, body: [])
        }
    }
}

extension CommandFailure {
    /// An error answer of the API, in the terminal's words.
    init(_ response: ControlClient.Response) {
        let problem = response.json
        var lines = [problem["detail"].text]
        for item in problem["errors"].elements {
            let pointer = item["pointer"].text
            lines.append((pointer.isEmpty ? "" : "\(pointer): ") + item["detail"].text)
        }
        let status: ExitStatus =
            switch response.status {
            case 401, 403: .notPermitted
            case 409 where problem["code"].text == "already_exists": .cannotCreate
            case 503: .tryAgain
            case 500...: .unavailable
            default: .badData
            }
        self.init(status, lines.filter { !$0.isEmpty }.joined(separator: "\n  "))
    }

    init(_ error: StoreError) {
        switch error {
        case .inUse:
            self.init(.tryAgain, "another process uses the store; try again in a moment")
        case .newerSchema(let found, let known):
            self.init(
                .configuration,
                "the store has schema \(found) and this Postern knows \(known); use a newer Postern"
            )
        case .damaged(let reason): self.init(.storeDamaged, "the store is damaged: \(reason)")
        case .unavailable(let reason):
            self.init(.storeDamaged, "the store cannot be opened: \(reason)")
        case .full: self.init(.tryAgain, "the store is full")
        case .conflict(let reason): self.init(.badData, reason)
        case .notFound: self.init(.badData, "not found")
        }
    }
}
