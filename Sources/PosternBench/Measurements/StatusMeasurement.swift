import Net
import Wire

/// GET /v1/messages/{id}, beside an nginx that does nothing but answer.
struct StatusMeasurement {
    private let bench: Bench

    init(_ bench: Bench) { self.bench = bench }

    func run(_ report: inout Report) async throws(Invalid) {
        let hop = try SilentHop()
        defer { hop.close() }
        let gateway = try await GatewayProcess(bench, nextHop: hop.address)
        let requests = try await keepMessages(1000, gateway).map { id in
            HTTPRequests.get("/v1/messages/\(id)", from: gateway.host, key: gateway.key)
        }
        let load = HTTPLoad(address: gateway.http, requests: requests, status: 200)
        _ = try await load.run(connections: 64, .lasting(.milliseconds(500)), on: bench.clients)
        var nginx: Nginx?
        if let program = bench.peer("nginx") { nginx = try await Nginx(program, bench) }
        defer { nginx?.close() }

        var peer: [LoadResult] = []
        let own = try await bench.median("GET, 64") { () async throws(Invalid) in
            if let nginx { peer.append(try await answer(of: nginx)) }
            return try await gateway.charged { () async throws(Invalid) in
                try await load.run(connections: 64, bench.extent, on: bench.clients)
            }
        }
        peer.sort { $0.rate < $1.rate }
        show(own, peer.isEmpty ? nil : peer[peer.count / 2], &report)
        try gateway.close()
    }

    private func answer(of nginx: Nginx) async throws(Invalid) -> LoadResult {
        let request = HTTPRequests.get("/", from: nginx.address.description, key: "none")
        let load = HTTPLoad(address: nginx.address, requests: [request], status: 202)
        let result = try await load.run(connections: 64, bench.extent, on: bench.clients)
        Progress.say("  nginx, 64: \(Number.grouped(result.rate))/s")
        return result
    }

    private func show(_ own: LoadResult, _ peer: LoadResult?, _ report: inout Report) {
        var table = Table(
            "GET, 64 connections",
            columns: ["of", "requests/s", "p50", "p99", "CPU each"]
        )
        table.add("/v1/messages/{id}", own)
        if let peer {
            table.add("nginx, return 202", peer)
            report.judge(
                "GET of a status, of nginx's `return 202`",
                goal: "≥ 50 %",
                found: Number.percent(own.rate / peer.rate),
                isMet: own.rate >= 0.5 * peer.rate
            )
        }
        report.add(table)
    }

    /// Their ids.
    private func keepMessages(
        _ count: Int,
        _ gateway: GatewayProcess
    ) async throws(Invalid) -> [String] {
        let request = HTTPRequests.message(to: gateway.host, key: gateway.key)
        let load = HTTPLoad(address: gateway.http, requests: [request], status: 202)
        _ = try await load.run(connections: 16, .messages(count), on: bench.clients)
        var ids: [String] = []
        var cursor = ""
        while ids.count < count {
            let path = "/v1/messages?limit=200\(cursor)"
            let page = try await HTTPExchange.json(of: path, at: gateway, on: bench.clients)
            guard case .array(let messages) = page["data"], !messages.isEmpty else {
                throw Invalid("\(path) shows no messages")
            }
            for case .object(let message) in messages {
                if case .string(let id) = message["id"] { ids.append(id) }
            }
            if case .string(let next) = page["next_cursor"] { cursor = "&cursor=\(next)" }
        }
        return ids
    }
}
