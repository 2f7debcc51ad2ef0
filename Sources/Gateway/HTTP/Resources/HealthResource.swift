import Mail
import Policy
import Store
import Wire

/// What monitors and programs ask without a key.
enum HealthResource {
    /// The process answers.
    static func live(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        .json { json in
            json.beginObject()
            json.member("status", "ok")
            json.endObject()
        }
    }

    /// The gateway takes mail.
    static func ready(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        guard !api.isDraining else { throw Problem.shuttingDown }
        guard api.store.isHealthy else { throw .unavailable("the store does not take mail now") }
        guard api.store.hasRoom else {
            throw .unavailable("the store is full: free disk or the queue is at its limit")
        }
        return try await live(api, request)
    }

    static func metrics(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        let ranges = api.configuration.metricsRanges(of: request.connector)
        guard ranges.contains(where: { $0.contains(request.peer) }) else {
            throw Problem(
                403,
                "source_address_not_allowed",
                "metricsRanges of this connector does not list \(request.peer)"
            )
        }
        let text = await api.gateway.metricsText()
        return Answer(200, "text/plain; version=0.0.4; charset=utf-8", Array(text.utf8))
    }

    static func contract(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        Answer(200, "application/yaml", PackageResources.openapi_yaml)
    }
}
