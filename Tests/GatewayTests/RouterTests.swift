import Glibc
import Testing

@testable import Gateway

@Suite("The route table")
struct RouterTests {
    private func path(_ text: String) -> [String] {
        text.split(separator: "/").map(String.init)
    }

    private func answer(_ method: String, _ text: String) -> String {
        switch Router.match(method, path(text)) {
        case .route(let route, let parameters):
            ([route.method, route.pattern] + parameters.map { "\($0)=\($1)" }.sorted())
                .joined(separator: " ")
        case .otherMethods(let methods): "405 " + methods.sorted().joined(separator: " ")
        case .none: "404"
        }
    }

    static let requests = [
        ("POST", "/v1/messages", "POST /v1/messages"),
        ("POST", "/v1/messages/batch", "POST /v1/messages/batch"),
        ("GET", "/v1/messages", "GET /v1/messages"),
        ("HEAD", "/v1/messages", "GET /v1/messages"),
        ("GET", "/v1/messages/msg_1", "GET /v1/messages/{id} id=msg_1"),
        ("GET", "/v1/messages/msg_1/source", "GET /v1/messages/{id}/source id=msg_1"),
        ("POST", "/v1/messages/msg_1/cancel", "POST /v1/messages/{id}/cancel id=msg_1"),
        ("GET", "/v1/applications/a/keys/k", "GET /v1/applications/{id}/keys/{key} id=a key=k"),
        ("GET", "/healthz", "GET /healthz"), ("HEAD", "/healthz", "GET /healthz"),
        ("DELETE", "/v1/messages", "405 GET HEAD POST"),
        ("PUT", "/v1/messages/batch", "405 POST"), ("GET", "/v1/messages/batch", "405 POST"),
        ("POST", "/healthz", "405 GET HEAD"), ("HEAD", "/v1/explain", "405 POST"),
        ("get", "/healthz", "405 GET HEAD"),
        ("PUT", "/v1/applications/a", "405 DELETE GET HEAD PATCH"),
        ("GET", "/v1", "404"), ("GET", "/v1/message", "404"), ("GET", "/V1/messages", "404"),
        ("GET", "/v1/messages/a/b/c", "404"), ("GET", "/nonsense", "404"),
    ]

    @Test("a method and a path find their route, 405 or 404", arguments: requests)
    func matching(method: String, path: String, expected: String) {
        #expect(answer(method, path) == expected)
    }

    @Test("every route of the table is found by its own path")
    func reach() {
        for route in Router.table {
            let concrete = path(route.pattern).map { $0.hasPrefix("{") ? "name" : $0 }
            guard case .route(let found, _) = Router.match(route.method, concrete) else {
                Issue.record("\(route.method) \(route.pattern) is hidden")
                continue
            }
            #expect(found.pattern == route.pattern && found.method == route.method)
        }
    }

    @Test("the route table and openapi.yaml list the same methods and paths")
    func openAPI() throws {
        let table = Set(Router.table.map { "\($0.method) \($0.pattern)" })
        #expect(table.count == Router.table.count)
        let document = try OpenAPIDocument()
        #expect(document.operations.subtracting(table) == [], "only in openapi.yaml")
        #expect(table.subtracting(document.operations) == [], "only in the table")
    }

    @Test("what needs no key says so in openapi.yaml, and the rest does not")
    func security() throws {
        let open = Router.table.filter { $0.access == .everyone }.map {
            "\($0.method) \($0.pattern)"
        }
        #expect(try OpenAPIDocument().openOperations == Set(open))
    }

    @Test("who may is the contract's")
    func access() {
        let expected: [(String, String, Access)] = [
            ("POST", "/v1/messages", .scope(.send)), ("POST", "/v1/messages/batch", .scope(.send)),
            ("GET", "/v1/messages", .scope(.read)),
            ("GET", "/v1/messages/{id}/source", .scope(.content)),
            ("POST", "/v1/messages/{id}/cancel", .scope(.manage)),
            ("GET", "/v1/queue", .scope(.read)), ("POST", "/v1/explain", .scope(.read)),
            ("GET", "/v1/me", .anyKey), ("GET", "/v1/audit", .administrator),
            ("POST", "/v1/applications", .administrator), ("GET", "/healthz", .everyone),
            ("GET", "/readyz", .everyone), ("GET", "/openapi.yaml", .everyone),
        ]
        for (method, pattern, access) in expected {
            let route = Router.table.first { $0.method == method && $0.pattern == pattern }
            #expect(route?.access == access, "\(method) \(pattern)")
        }
    }
}

/// The lines of openapi.yaml that name paths and methods, by their indentation.
private struct OpenAPIDocument {
    var operations: Set<String> = []
    /// Those with an empty `security` of their own.
    var openOperations: Set<String> = []

    init() throws {
        let here = String(describing: #filePath)
        let root = here.split(separator: "/").dropLast(3).joined(separator: "/")
        let text = try #require(TextFile.read("/\(root)/openapi.yaml"))
        let methods: Set<String> = ["get", "post", "put", "patch", "delete", "head", "options"]
        var isPaths = false
        var path = ""
        var current = ""
        for line in text.split(separator: "\n") {
            let indentation = line.prefix { $0 == " " }.count
            let word = line.dropFirst(indentation)
            if indentation == 0 { isPaths = word == "paths:" }
            guard isPaths else { continue }
            if indentation == 2, word.hasPrefix("/"), word.hasSuffix(":") {
                path = String(word.dropLast())
            } else if indentation == 4, word.hasSuffix(":"),
                methods.contains(String(word.dropLast()))
            {
                current = "\(word.dropLast().uppercased()) \(path)"
                operations.insert(current)
            } else if indentation == 6, word == "security: []" {
                openOperations.insert(current)
            }
        }
    }
}
