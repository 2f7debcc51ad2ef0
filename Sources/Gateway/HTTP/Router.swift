import Mail

/// Who may use a route.
enum Access: Equatable, Sendable {
    case everyone
    case anyKey
    case scope(Scope)
    case administrator
}

/// One line of the route table.
final class HTTPRoute: Sendable {
    typealias Handler =
        @Sendable (API, Request) async throws(Problem) -> Answer

    let method: String
    /// Segments in braces catch a name.
    let pattern: String
    let access: Access
    let handler: Handler
    private let segments: [Segment]

    private enum Segment: Sendable {
        case literal(String)
        case name(String)
    }

    init(_ method: String, _ pattern: String, _ access: Access, _ handler: @escaping Handler) {
        self.method = method
        self.pattern = pattern
        self.access = access
        self.handler = handler
        segments = pattern.split(separator: "/").map { segment in
            segment.first == "{"
                ? .name(String(segment.dropFirst().dropLast())) : .literal(String(segment))
        }
        captures = segments.reduce(0) { if case .name = $1 { $0 + 1 } else { $0 } }
    }

    /// How many names the pattern catches.
    let captures: Int

    func fits(_ path: [String]) -> Bool {
        guard path.count == segments.count else { return false }
        // From the end: that is where paths differ.
        for index in segments.indices.reversed() {
            if case .literal(let text) = segments[index], text != path[index] { return false }
        }
        return true
    }

    /// What the pattern catches in a path that fits.
    func parameters(of path: [String]) -> [String: String] {
        var caught: [String: String] = [:]
        for (segment, text) in zip(segments, path) {
            if case .name(let name) = segment { caught[name] = text }
        }
        return caught
    }
}

/// Every resource of the gateway, in one table.
enum Router {
    static let table: [HTTPRoute] = [
        .init("POST", "/v1/messages", .scope(.send), MessageSubmission.submit),
        .init("POST", "/v1/messages/batch", .scope(.send), MessageSubmission.submitBatch),
        .init("GET", "/v1/messages", .scope(.read), MessageResource.list),
        .init("GET", "/v1/messages/{id}", .scope(.read), MessageResource.show),
        .init("GET", "/v1/messages/{id}/events", .scope(.read), MessageResource.events),
        .init("GET", "/v1/messages/{id}/source", .scope(.content), MessageResource.source),
        .init("POST", "/v1/messages/{id}/cancel", .scope(.manage), MessageResource.cancel),
        .init("POST", "/v1/messages/{id}/retry", .scope(.manage), MessageResource.retry),
        .init("POST", "/v1/messages/{id}/hold", .scope(.manage), MessageResource.hold),
        .init("POST", "/v1/messages/{id}/release", .scope(.manage), MessageResource.release),

        .init("GET", "/v1/applications", .administrator, ApplicationResource.list),
        .init("POST", "/v1/applications", .administrator, ApplicationResource.create),
        .init("GET", "/v1/applications/{id}", .administrator, ApplicationResource.show),
        .init("PATCH", "/v1/applications/{id}", .administrator, ApplicationResource.update),
        .init("DELETE", "/v1/applications/{id}", .administrator, ApplicationResource.remove),
        .init("GET", "/v1/applications/{id}/keys", .administrator, KeyResource.list),
        .init("POST", "/v1/applications/{id}/keys", .administrator, KeyResource.issue),
        .init("GET", "/v1/applications/{id}/keys/{key}", .administrator, KeyResource.show),
        .init("DELETE", "/v1/applications/{id}/keys/{key}", .administrator, KeyResource.revoke),
        .init(
            "POST",
            "/v1/applications/{id}/keys/{key}/rotate",
            .administrator,
            KeyResource.rotate
        ),

        .init("GET", "/v1/credentials", .administrator, CredentialResource.list),
        .init("POST", "/v1/credentials", .administrator, CredentialResource.create),
        .init("GET", "/v1/credentials/{id}", .administrator, CredentialResource.show),
        .init("DELETE", "/v1/credentials/{id}", .administrator, CredentialResource.remove),

        .init("GET", "/v1/webhooks", .administrator, WebhookResource.list),
        .init("POST", "/v1/webhooks", .administrator, WebhookResource.create),
        .init("GET", "/v1/webhooks/{id}", .administrator, WebhookResource.show),
        .init("PATCH", "/v1/webhooks/{id}", .administrator, WebhookResource.update),
        .init("DELETE", "/v1/webhooks/{id}", .administrator, WebhookResource.remove),
        .init("POST", "/v1/webhooks/{id}/rotate", .administrator, WebhookResource.rotate),
        .init("POST", "/v1/webhooks/{id}/redeliver", .administrator, WebhookResource.redeliver),

        .init("GET", "/v1/suppressions", .administrator, SuppressionResource.list),
        .init("POST", "/v1/suppressions", .administrator, SuppressionResource.create),
        .init("GET", "/v1/suppressions/{id}", .administrator, SuppressionResource.show),
        .init("PATCH", "/v1/suppressions/{id}", .administrator, SuppressionResource.update),
        .init("DELETE", "/v1/suppressions/{id}", .administrator, SuppressionResource.remove),

        .init("GET", "/v1/me", .anyKey, InformationResource.me),
        .init("POST", "/v1/explain", .scope(.read), ExplainResource.explain),
        .init("GET", "/v1/queue", .scope(.read), QueueResource.summary),
        .init("POST", "/v1/queue/retry", .administrator, QueueOrderResource.retry),
        .init("POST", "/v1/queue/hold", .administrator, QueueOrderResource.hold),
        .init("POST", "/v1/queue/release", .administrator, QueueOrderResource.release),
        .init("POST", "/v1/queue/cancel", .administrator, QueueOrderResource.cancel),
        .init("POST", "/v1/queue/reroute", .administrator, QueueOrderResource.reroute),
        .init("GET", "/v1/stats", .scope(.read), QueueResource.stats),
        .init("GET", "/v1/events", .scope(.read), EventResource.list),
        .init("GET", "/v1/sources", .scope(.read), SourceResource.list),
        .init("GET", "/v1/connectors", .administrator, ConnectorResource.list),
        .init("GET", "/v1/routes", .administrator, RouteResource.list),
        .init("GET", "/v1/routes/{id}", .administrator, RouteResource.show),
        .init("POST", "/v1/routes/{id}/suspend", .administrator, RouteResource.suspend),
        .init("POST", "/v1/routes/{id}/resume", .administrator, RouteResource.resume),
        .init("GET", "/v1/domains", .administrator, InformationResource.domains),
        .init("GET", "/v1/audit", .administrator, InformationResource.audit),

        .init("GET", "/healthz", .everyone, HealthResource.live),
        .init("GET", "/readyz", .everyone, HealthResource.ready),
        .init("GET", "/metrics", .everyone, HealthResource.metrics),
        .init("GET", "/openapi.yaml", .everyone, HealthResource.contract),
    ]

    enum Match {
        case route(HTTPRoute, parameters: [String: String])
        /// The path exists, but not with this method.
        case otherMethods([String])
        case none
    }

    /// HEAD is GET without its body. A path that stands in the table as it is catches nothing:
    /// `/v1/messages/batch` is no message.
    static func match(_ method: String, _ path: [String]) -> Match {
        let wanted = method == "HEAD" ? "GET" : method
        var candidates: [HTTPRoute] = []
        for route in table where route.fits(path) {
            if route.captures == 0, route.method == wanted { return .route(route, parameters: [:]) }
            if let fewest = candidates.first?.captures {
                guard route.captures <= fewest else { continue }
                if route.captures < fewest { candidates = [] }
            }
            candidates.append(route)
        }
        if let route = candidates.first(where: { $0.method == wanted }) {
            return .route(route, parameters: route.parameters(of: path))
        }
        guard !candidates.isEmpty else { return .none }
        let methods = candidates.map(\.method)
        return .otherMethods(methods + (methods.contains("GET") ? ["HEAD"] : []))
    }
}
