/// Durable POST /v1/messages: each 202 says that the message is synced to disk. The next hop is
/// silent, so that accepting alone is measured.
struct PostMeasurement {
    private let bench: Bench

    init(_ bench: Bench) { self.bench = bench }

    func run(_ report: inout Report) async throws(Invalid) {
        let hop = try SilentHop()
        defer { hop.close() }
        let gateway = try await GatewayProcess(bench, nextHop: hop.address)
        let request = HTTPRequests.message(to: gateway.host, key: gateway.key)
        let load = HTTPLoad(address: gateway.http, requests: [request], status: 202)
        _ = try await load.run(connections: 16, .lasting(.milliseconds(500)), on: bench.clients)

        var table = Table(
            "Durable POST /v1/messages, JSON of 1 KB",
            columns: ["connections", "requests/s", "p50", "p99", "CPU each"]
        )
        for connections in [1, 16] { try await measure(connections, load, gateway, &table) }
        try await measureBesideSQLite(load, gateway, &table, &report)
        try await measure(256, load, gateway, &table)
        if let wrk = Wrk(bench) {
            let found = try await wrk.post(request, to: gateway)
            table.add("64, by wrk", Number.grouped(found.rate), "\(found.p50)", "\(found.p99)", "")
        }
        report.add(table)
        try gateway.close()
    }

    private func measure(
        _ connections: Int,
        _ load: HTTPLoad,
        _ gateway: GatewayProcess,
        _ table: inout Table
    ) async throws(Invalid) {
        let result = try await bench.median("POST, \(connections)") { () async throws(Invalid) in
            try await gateway.charged { () async throws(Invalid) in
                try await load.run(connections: connections, bench.extent, on: bench.clients)
            }
        }
        table.add("\(connections)", result)
    }

    /// Turn about, so that the machine's drift falls on both alike.
    private func measureBesideSQLite(
        _ load: HTTPLoad,
        _ gateway: GatewayProcess,
        _ table: inout Table,
        _ report: inout Report
    ) async throws(Invalid) {
        let rows = try RowKeeper(MessageRows(of: gateway.database), in: bench.workplace)
        var raw: [Double] = []
        let post = try await bench.median("POST, 64") { () async throws(Invalid) in
            raw.append(try rows.commit(groupsOf: 64, bench.extent).rate)
            Progress.say("  SQLite alone, 64 a commit: \(Number.grouped(raw.last ?? 0))/s")
            return try await gateway.charged { () async throws(Invalid) in
                try await load.run(connections: 64, bench.extent, on: bench.clients)
            }
        }
        table.add("64", post)
        let limit = raw.sorted()[raw.count / 2]
        table.note("SQLite alone commits \(Number.grouped(limit)) such messages/s in groups of 64")
        report.postRate = post.rate
        report.judge(
            "POST at 64 connections, of SQLite's group commit of the same rows",
            goal: "≥ 50 %",
            found: Number.percent(post.rate / limit),
            isMet: post.rate >= 0.5 * limit
        )
    }
}

extension Table {
    mutating func add(_ label: String, _ result: LoadResult) {
        add(
            label,
            Number.grouped(result.rate),
            Number.milliseconds(result.percentile(0.5)),
            Number.milliseconds(result.percentile(0.99)),
            result.processorTime.map { "\(Number.fixed($0 / Double(result.count) * 1e6, 0)) µs" }
                ?? ""
        )
    }
}
