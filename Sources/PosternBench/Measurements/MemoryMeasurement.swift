import Net

/// Resident memory at rest, and while large messages come in and go out at once.
struct MemoryMeasurement {
    private let bench: Bench
    private let messages = 40
    private let octets = 20 << 20
    private let connections = 5000

    init(_ bench: Bench) { self.bench = bench }

    func run(_ report: inout Report) async throws(Invalid) {
        let sink = try Sink(on: bench.loops)
        defer { sink.close() }
        let gateway = try await GatewayProcess(bench, nextHop: sink.address)
        let idle = try await rest(gateway)
        let (peak, seconds) = try await passLargeMessages(gateway, sink)
        let after = try await rest(gateway)
        try gateway.close()
        let crowded = try await holdIdleConnections()

        var table = Table("Resident memory of the gateway", columns: ["when", "MB"])
        table.add("idle, after start", Number.fixed(idle, 1))
        table.add("highest, \(messages) messages of 20 MB at once", Number.fixed(peak, 1))
        table.add("idle, after that", Number.fixed(after, 1))
        table.add("\(connections) idle SMTP connections", Number.fixed(crowded, 1))
        table.note("the large messages took \(Number.fixed(seconds, 1)) s in and out")
        report.add(table)
        report.judge(
            "idle resident memory",
            goal: "≤ 30 MB",
            found: Number.megabytes(idle),
            isMet: idle <= 30
        )
        report.judge(
            "resident memory with \(messages) messages of 20 MB",
            goal: "≤ 300 MB",
            found: Number.megabytes(peak),
            isMet: peak <= 300
        )
        report.judge(
            "resident memory with \(connections) idle connections",
            goal: "≤ 150 MB",
            found: Number.megabytes(crowded),
            isMet: crowded <= 150
        )
    }

    /// In a gateway of its own, so that no earlier work counts.
    private func holdIdleConnections() async throws(Invalid) -> Double {
        let hop = try SilentHop()
        defer { hop.close() }
        let gateway = try await GatewayProcess(bench, nextHop: hop.address)
        let crowd = try IdleCrowd(of: connections, at: gateway.smtp)
        let held = try await rest(gateway)
        _ = consume crowd
        try gateway.close()
        return held
    }

    private func rest(_ gateway: GatewayProcess) async throws(Invalid) -> Double {
        try? await Task.sleep(for: .seconds(2))
        return try ResidentMemory.now(of: gateway.pid)
    }

    private func passLargeMessages(
        _ gateway: GatewayProcess,
        _ sink: Sink
    ) async throws(Invalid) -> (peak: Double, seconds: Double) {
        let upload = Upload(to: gateway, octets: octets)
        let start = Clock.now
        _ = try await Crowd.run(messages, on: bench.clients) { _ async throws(Invalid) in
            try await upload.run()
        }
        guard await sink.waits(for: messages, within: .seconds(120)) else {
            throw Invalid("of \(messages) large messages \(sink.count) arrived in 120 s")
        }
        let seconds = Clock.seconds(since: start)
        return (try ResidentMemory.peak(of: gateway.pid), seconds)
    }
}
