import Mail
import Store
import Wire

@testable import Gateway

/// The API over a real store, asked without a connection. Time stands still unless it is moved.
final class Counter {
    static let start = Timestamp(milliseconds: 1_700_000_000_000)

    let drawer: Drawer
    let api: API
    let key: String

    /// One application, `backup`, with every scope it can have.
    init(rate: Int? = nil) async throws {
        drawer = try Drawer()
        let configuration = try readConfiguration(
            configurationFile(
                """
                dataDirectory: "\(drawer.directory)",
                acceptedDomains: [{ domain: "corp.example" }],
                """
            )
        )
        let gateway = House(
            configuration,
            store: drawer.store,
            log: Log(level: .error) { Self.start },
            clock: { Self.start }
        )
        api = API(gateway)
        let application = ApplicationRecord(
            id: ApplicationID(high: 1, low: 1),
            name: "backup",
            scopes: Scope.grantable.map(\.rawValue),
            rate: rate,
            createdAt: Self.start
        )
        try await drawer.store.insert(application)
        key = try await Self.issueKey(gateway, for: application.id)
    }

    static func issueKey(
        _ gateway: House,
        for application: ApplicationID
    ) async throws -> String {
        let key = APIKey.generate(.application)
        try await gateway.store.insert(
            KeyRecord(
                id: key.id,
                kind: .application,
                application: application,
                secretHash: key.digest,
                createdAt: start
            )
        )
        try await gateway.directory.reload()
        return key.text
    }

    struct Reply {
        let status: Int
        let fields: [String: String]
        let json: JSONValue

        var code: String { json["code"].text }
        var pointers: [String] { json["errors"].elements.map { $0["pointer"].text } }
    }

    /// Asks with the application's key; without one as the machine's administrator.
    func ask(
        _ method: HTTPMethod,
        _ target: String,
        _ body: String = "",
        _ fields: [String: String] = [:],
        isAdministrator: Bool = false
    ) async throws -> Reply {
        var request = HTTPRequest(method, target, authority: "localhost")
        if !isAdministrator { request.append("X-API-Key", key) }
        for (name, value) in ["Content-Type": "application/json"].merging(
            fields,
            uniquingKeysWith: { $1 }
        ) {
            request.append(name, value)
        }
        var octets: [UInt8] = []
        request.write([UInt8]().span, to: &octets)
        var parser = HTTPRequestParser()
        parser.receive(octets.span)
        guard case .head(let head)? = try parser.next() else { throw Invalid() }
        let answer = await api.answer(
            Request(
                head: head,
                id: api.newRequestID(),
                connector: nil,
                peer: .loopback,
                isSecure: true,
                body: HeldBody(Array(body.utf8)),
                identity: isAdministrator ? .localAdministrator(0) : .nobody
            )
        )
        guard case .octets(let content) = answer.body else { throw Invalid() }
        return Reply(
            status: answer.status,
            fields: Dictionary(answer.fields.map { ($0.name, $0.value) }) { $1 },
            json: (try? JSONValue.parse(content.span)) ?? .null
        )
    }

    struct Invalid: Error {}
}
