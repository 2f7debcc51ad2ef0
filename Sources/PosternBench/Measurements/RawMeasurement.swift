/// What the machine gives at most, without any gateway.
struct RawMeasurement {
    private let bench: Bench

    init(_ bench: Bench) { self.bench = bench }

    func run(_ report: inout Report) async throws(Invalid) {
        var table = Table("The machine's limits", columns: ["what", "rate/s", "p50", "p99", ""])
        let disk = try await bench.median("fdatasync of 4 KB") { () async throws(Invalid) in
            try SyncedFile(in: bench.workplace).run(bench.extent)
        }
        table.add("write of 4 KB and fdatasync", disk)
        let rows = try await keptRows()
        for group in [1, 8, 64, 256] {
            let keeper = try RowKeeper(rows, in: bench.workplace)
            let label = "SQLite, the rows of a message, \(group) a commit"
            let result = try await bench.median(label) { () async throws(Invalid) in
                try keeper.commit(groupsOf: group, bench.extent)
            }
            table.add(label, result)
        }
        table.note("SQLite's percentiles are those of a commit")
        report.add(table)
    }

    /// Of one message that the gateway has kept.
    private func keptRows() async throws(Invalid) -> MessageRows {
        let hop = try SilentHop()
        defer { hop.close() }
        let gateway = try await GatewayProcess(bench, nextHop: hop.address)
        let request = HTTPRequests.message(to: gateway.host, key: gateway.key)
        let load = HTTPLoad(address: gateway.http, requests: [request], status: 202)
        // More than the next hop takes: the last one has no attempt among its events.
        _ = try await load.run(connections: 16, .messages(200), on: bench.clients)
        let rows = try MessageRows(of: gateway.database)
        try gateway.close()
        return rows
    }
}
