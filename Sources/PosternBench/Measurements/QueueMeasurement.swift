import Net

/// What a long queue costs: the next hop is silent and a million messages wait for it.
struct QueueMeasurement {
    private let bench: Bench
    private let batch = 500

    init(_ bench: Bench) { self.bench = bench }

    func run(_ report: inout Report) async throws(Invalid) {
        let hop = try SilentHop()
        defer { hop.close() }
        let gateway = try await GatewayProcess(bench, nextHop: hop.address)
        let empty = try await acceptRate(of: gateway, "empty queue")
        let filling = try await fill(gateway)
        let filled = try ResidentMemory.now(of: gateway.pid)
        let full = try await acceptRate(of: gateway, "\(bench.options.queued) queued")
        let start = try await gateway.restart(bench)
        try? await Task.sleep(for: .seconds(2))
        let restarted = try ResidentMemory.now(of: gateway.pid)
        let again = try await acceptRate(of: gateway, "started anew")
        let peak = try ResidentMemory.peak(of: gateway.pid)
        try gateway.close()

        var table = Table(
            "\(Number.grouped(Double(bench.options.queued))) messages queued",
            columns: ["when", "POST/s at 64", "resident"]
        )
        table.add("empty queue", Number.grouped(empty), "")
        table.add("queue filled", Number.grouped(full), Number.megabytes(filled))
        table.add("after a restart", Number.grouped(again), Number.megabytes(restarted))
        table.note("ready \(Number.fixed(start, 2)) s after the start of the process")
        table.note("filled in batches of \(batch) at \(Number.grouped(filling))/s")
        report.add(table)
        judge(start: start, memory: max(filled, peak), kept: min(full, again) / empty, &report)
    }

    private func judge(start: Double, memory: Double, kept: Double, _ report: inout Report) {
        report.judge(
            "start with a long queue",
            goal: "≤ 3 s",
            found: "\(Number.fixed(start, 2)) s",
            isMet: start <= 3
        )
        report.judge(
            "highest resident memory with a long queue",
            goal: "≤ 200 MB",
            found: Number.megabytes(memory),
            isMet: memory <= 200
        )
        report.judge(
            "accept rate with a long queue, of that with an empty one",
            goal: "≥ 80 %",
            found: Number.percent(kept),
            isMet: kept >= 0.8
        )
    }

    private func acceptRate(
        of gateway: GatewayProcess,
        _ label: String
    ) async throws(Invalid) -> Double {
        let request = HTTPRequests.message(to: gateway.host, key: gateway.key)
        let load = HTTPLoad(address: gateway.http, requests: [request], status: 202)
        return try await bench.median("POST, \(label)") { () async throws(Invalid) in
            try await load.run(connections: 64, bench.extent, on: bench.clients)
        }.rate
    }

    private func fill(_ gateway: GatewayProcess) async throws(Invalid) -> Double {
        let request = HTTPRequests.batch(of: batch, to: gateway.host, key: gateway.key)
        let load = HTTPLoad(address: gateway.http, requests: [request], status: 202)
        let count = bench.options.queued / batch
        let result = try await load.run(connections: 4, .messages(count), on: bench.clients)
        return result.counting(batch).rate
    }
}
