import Mail
import Store
import Wire

/// GET /v1/queue: how much waits, where, and for how long.
enum QueueResource {
    static func summary(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        try request.allowQuery([])
        let lines = try await stored { () async throws(StoreError) in
            try await api.store.queueSummary(application: request.identity.application?.id)
        }
        return .json { json in
            json.beginObject()
            json.member("depth", lines.reduce(0) { $0 + $1.count })
            json.member("oldest_at", lines.map(\.oldest).min())
            json.members("data", lines) { line, json in
                json.beginObject()
                json.member("route", line.route)
                json.member("domain", line.domain)
                json.member("lane", line.priority.name)
                json.member("status", line.status.name)
                json.member("count", line.count)
                json.member("oldest_at", line.oldest)
                json.endObject()
            }
            json.endObject()
        }
    }
}
