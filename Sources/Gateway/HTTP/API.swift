import Delivery
import Mail
import Policy
import Store
import Synchronization
import Wire

/// The HTTP interface without its connections: a request in, an answer out. The door serves it to
/// the network, the command line calls it when no server runs.
final class API: Sendable {
    let gateway: House
    let idempotencyKeys: IdempotencyKeys
    let rates: RateLimiter
    private let date = Mutex<(second: Int64, text: String)>((-1, ""))

    init(_ gateway: House) {
        self.gateway = gateway
        idempotencyKeys = gateway.idempotencyKeys
        rates = gateway.rates
    }

    var store: MailStore { gateway.store }
    var desk: Desk { gateway.desk }
    var directory: Directory { gateway.directory }
    var metrics: Metrics { gateway.metrics }
    var waiting: Waiting { gateway.waiting }
    var configuration: Configuration { gateway.configuration }
    var now: Timestamp { gateway.clock() }
    var isDraining: Bool { gateway.isDraining }

    func newRequestID() -> RequestID { RequestID(at: now) }

    /// The Date field, made once a second.
    var httpDate: String {
        let now = now
        return date.withLock { date in
            let second = now.milliseconds / 1000
            if date.second != second { date = (second, HTTPDate.text(now)) }
            return date.text
        }
    }

    func answer(_ request: Request) async -> Answer {
        let started = ContinuousClock.now
        var answer: Answer
        do throws(Problem) {
            answer = try await handle(request)
            answer.fields.append(("X-Request-Id", request.id.description))
        } catch {
            answer = error.answer(to: request.id)
        }
        answer.fields += rates.fields(for: request.rates, at: now)
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
