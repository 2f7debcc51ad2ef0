import Delivery
import Mail
import Policy
import Store
import Wire

/// The HTTP interface without its connections: a request in, an answer out. The door serves it to
/// the network, the command line calls it when no server runs.
final class API: Sendable {
    let gateway: Gateway
    let idempotencyKeys: IdempotencyKeys
    let rates: RateLimiter

    init(_ gateway: Gateway) {
        self.gateway = gateway
        idempotencyKeys = gateway.idempotencyKeys
        rates = gateway.rates
    }

    var store: Store { gateway.store }
    var desk: Desk { gateway.desk }
    var directory: Directory { gateway.directory }
    var metrics: Metrics { gateway.metrics }
    var waiting: Waiting { gateway.waiting }
    var configuration: Configuration { gateway.configuration }
    var now: Timestamp { gateway.clock() }
    var isDraining: Bool { gateway.isDraining }

    func newRequestID() -> RequestID { RequestID(at: now) }

    var httpDate: String { HTTPDate.text(now) }

    func answer(_ request: Request) async -> Answer {
        let started = ContinuousClock.now
        var answer: Answer
        do throws(Problem) {
            answer = try await handle(request)
            answer.fields.append(("X-Request-Id", request.id.description))
        } catch {
            answer = error.answer(to: request.id)
        }
        metrics.count(.http, status: answer.status)
        if gateway.log.isOn(.debug) {
            gateway.log.debug(
                "request",
                [
                    "id": request.id.description, "method": request.head.method.name,
                    "path": request.head.target.path, "status": "\(answer.status)",
                    "peer": request.peer.description,
                    "took": "\(ContinuousClock.now - started)",
                ]
            )
        }
        return answer
    }

    private func handle(_ request: Request) async throws(Problem) -> Answer {
        let method = request.head.method.name
        let path: [String]
        do throws(HTTPParseError) {
            path = try request.head.target.segments()
            request.query = try request.head.target.query()
        } catch {
            throw Problem.malformed(error.reason).closing
        }
        switch Router.match(method, path) {
        case .none:
            throw .notFound
        case .otherMethods(let methods):
            let allowed = methods.joined(separator: ", ")
            throw Problem(405, "method_not_allowed", "\(method) is not one of \(allowed)")
                .with("Allow", allowed)
        case .route(let route, let parameters):
            request.parameters = parameters
            try admit(request, to: route.access)
            return try await route.handler(self, request)
        }
    }
}

// MARK: Who asks

extension API {
    private func admit(_ request: Request, to access: Access) throws(Problem) {
        guard access != .everyone else { return }
        if case .nobody = request.identity.holder {
            request.identity = try identify(request)
        }
        switch access {
        case .everyone, .anyKey: return
        case .administrator:
            guard request.identity.isAdministrator else {
                throw .insufficientScope("this needs an administrator's key")
            }
        case .scope(let scope):
            guard request.identity.holds(scope) else {
                throw .insufficientScope("this needs the scope \(scope.rawValue)")
            }
        }
    }

    private func identify(_ request: Request) throws(Problem) -> Identity {
        guard request.connector?.permissionGroups.contains(.applications) ?? true else {
            throw .insufficientScope("this connector does not serve applications")
        }
        do throws(CredentialError) {
            let key = try request.head.key
            return try directory.identify(key, from: request.peer, at: now)
        } catch {
            gateway.log.info(
                "credentials refused",
                ["peer": request.peer.description, "reason": "\(error)"]
            )
            metrics.countFailedLogon()
            throw Problem(error)
        }
    }

    /// The application a submission is decided for. An administrator names one.
    func submitter(
        of request: Request
    ) throws(Problem) -> (record: ApplicationRecord, facts: Applicant) {
        let named = try request.query("application")
        switch request.identity.holder {
        case .application(let record, let facts):
            guard named == nil || named == record.name || named == record.id.description else {
                throw .insufficientScope("a key submits for its own application only")
            }
            return (record, facts)
        case .administrator:
            guard let named else {
                throw .insufficientScope("an administrator submits with ?application=NAME")
            }
            guard let record = directory.application(named) else {
                throw .invalid("", "there is no application \(named)")
            }
            return (record, record.applicant)
        case .nobody:
            throw Problem(CredentialError.missing)
        }
    }

    func client(of request: Request, as principal: Principal) -> Client {
        Client(
            connector: request.connector ?? .control,
            peer: request.peer,
            principal: principal,
            isSecure: request.isSecure
        )
    }

    /// Whose messages a listing may show.
    func visibleApplication(_ request: Request) throws(Problem) -> VisibleApplication {
        let named = try request.query("application")
        if let own = request.identity.application {
            return named == nil || named == own.name || named == own.id.description
                ? .only(own.id) : .none
        }
        guard let named else { return .all }
        return directory.application(named).map { .only($0.id) } ?? .none
    }
}

enum VisibleApplication {
    case all
    case only(ApplicationID)
    case none
}

extension ReceiveConnector {
    /// The control socket as a door: applications by way of an administrator.
    static let control: ReceiveConnector = {
        var connector = ReceiveConnector(name: "control", door: .http, bindings: [])
        connector.permissionGroups = [.applications]
        connector.limits = .http
        return connector
    }()
}

extension HTTPRequestHead {
    /// The key in the request. Two that disagree are none.
    fileprivate var key: String {
        get throws(CredentialError) {
            var keys: Set<String> = []
            for credential in fields.credentials {
                guard let secret = credential.secret else { throw .invalid }
                keys.insert(secret)
            }
            guard let key = keys.first else { throw .missing }
            guard keys.count == 1 else { throw .invalid }
            return key
        }
    }
}

extension Problem {
    init(_ error: CredentialError) {
        let challenge: (Problem) -> Problem = {
            $0.with("WWW-Authenticate", "Bearer realm=\"postern\"")
                .with("WWW-Authenticate", "Basic realm=\"postern\", charset=\"UTF-8\"")
        }
        self =
            switch error {
            case .missing:
                challenge(
                    Problem(
                        401,
                        "missing_credentials",
                        "send a key as Authorization: Bearer, as Basic password, or as X-API-Key"
                    )
                )
            case .invalid:
                challenge(Problem(401, "invalid_credentials", "this key is not known here"))
            case .expired:
                challenge(
                    Problem(401, "expired_credentials", "this key has expired; issue another")
                )
            case .addressNotAllowed:
                Problem(
                    403,
                    "source_address_not_allowed",
                    "this key may not be used from this address"
                )
            }
    }
}

// MARK: Bodies

extension HTTPRequestHead {
    /// The media type without parameters. One that cannot be read is told as it came.
    func media(or standard: String) -> String {
        guard let text = fields.first("Content-Type") else { return standard }
        return fields.contentType?.essence ?? text
    }
}

extension API {
    /// The request's body without its content coding.
    func decodedBody(of request: Request, limit: Int) throws(Problem) -> any RequestBody {
        if case .length(let octets) = request.head.framing, octets > limit {
            throw .tooLarge(limit: limit)
        }
        switch request.head.fields.first("Content-Encoding")?.lowercased() {
        case nil, "", "identity": return request.body
        case "gzip", "x-gzip": return InflatedBody(request.body, limit: limit)
        case let other?:
            throw Problem(
                415,
                "unsupported_media_type",
                "the content coding \(other) is not taken; use gzip"
            ).with("Accept-Encoding", "gzip")
        }
    }

    /// A small JSON object, for everything but mail.
    func form(of request: Request) async throws(Problem) -> FormReader {
        let media = request.head.media(or: "application/json")
        guard media == "application/json" else { throw .unsupported(media, "application/json") }
        let octets = try await decodedBody(of: request, limit: 1 << 20).all(upTo: 1 << 20)
        let value: JSONValue
        do throws(JSONError) {
            // No body is an empty form: where every field may be left out, so may all of them.
            value = octets.isEmpty ? .object(JSONObject()) : try JSONValue.parse(octets.span)
        } catch {
            throw Problem(error)
        }
        guard let form = FormReader(value, at: "") else {
            throw .invalid("", "the body must be an object", code: "wrong_type")
        }
        return form
    }

    /// Tells delivery what an operator's order changed.
    func apply(_ change: StateChange) {
        gateway.dispatcher?.forget(change.keys)
        gateway.dispatcher?.requeue(change.entries)
    }
}
