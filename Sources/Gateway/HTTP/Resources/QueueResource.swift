import Mail
import Store
import Wire

/// GET /v1/queue and /v1/stats: how much waits, where, and for how long.
enum QueueResource {
    static func summary(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        let lines = try await lines(api, request)
        let now = api.now
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
                json.member("age_seconds", line.oldest.age(at: now))
                json.endObject()
            }
            json.endObject()
        }
    }

    /// The same, summed up along each dimension.
    static func stats(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        let lines = try await lines(api, request)
        let now = api.now
        return .json { json in
            json.beginObject()
            json.member("depth", lines.reduce(0) { $0 + $1.count })
            json.member("oldest_at", lines.map(\.oldest).min())
            json.member("age_seconds", lines.map(\.oldest).min()?.age(at: now))
            for (name, key) in dimensions {
                json.members(name, sums(of: lines, by: key)) { sum, json in
                    json.beginObject()
                    json.member("name", sum.name)
                    json.member("count", sum.count)
                    json.member("oldest_at", sum.oldest)
                    json.member("age_seconds", sum.oldest.age(at: now))
                    json.endObject()
                }
            }
            json.endObject()
        }
    }

    private static let dimensions: [(String, @Sendable (QueueLine) -> String)] = [
        ("by_route", { $0.route }), ("by_domain", { $0.domain }), ("by_lane", { $0.priority.name }),
        ("by_status", { $0.status.name }),
    ]

    /// The thousand with the most.
    private static func sums(
        of lines: [QueueLine],
        by key: (QueueLine) -> String
    ) -> [(name: String, count: Int, oldest: Timestamp)] {
        let sums = Dictionary(grouping: lines, by: key).map { name, lines in
            (
                name: name, count: lines.reduce(0) { $0 + $1.count },
                oldest: lines.map(\.oldest).min() ?? lines[0].oldest
            )
        }
        return Array(sums.sorted { (-$0.count, $0.name) < (-$1.count, $1.name) }.prefix(1000))
    }

    private static func lines(
        _ api: API,
        _ request: Request
    ) async throws(Problem) -> [QueueLine] {
        try request.allowQuery([])
        return try await stored { () async throws(StoreError) in
            try await api.store.queueSummary(application: request.identity.application?.id)
        }
    }
}

extension Timestamp {
    /// In whole seconds.
    fileprivate func age(at now: Timestamp) -> Int {
        max(0, Int((now.milliseconds - milliseconds) / 1000))
    }
}
