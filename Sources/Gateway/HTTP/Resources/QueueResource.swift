import Mail
import Store
import Wire

/// GET /v1/queue: how much waits, where, and for how long.
enum QueueResource {
    static func summary(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        try request.allowQuery([])
        guard request.identity.isAdministrator else {
            throw .insufficientScope("the queue of all applications is the administrator's to see")
        }
        let lines = try await stored { () async throws(StoreError) in
            try await api.store.queueSummary()
        }
        let now = api.now
        return .json { json in
            json.beginObject()
            json.member("total", lines.reduce(0) { $0 + $1.count })
            json.member("oldest_age_seconds", lines.map { ageInSeconds($0, now) }.max())
            json.members("data", lines) { line, json in
                json.beginObject()
                json.member("route", line.route)
                json.member("domain", line.domain)
                json.member("priority", line.priority.name)
                json.member("status", line.status.name)
                json.member("count", line.count)
                json.member("oldest", line.oldest)
                json.endObject()
            }
            json.endObject()
        }
    }

    private static func ageInSeconds(_ line: QueueLine, _ now: Timestamp) -> Int {
        max(0, Int((now - line.oldest).milliseconds / 1000))
    }
}
