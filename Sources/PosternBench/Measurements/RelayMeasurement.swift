import Net

/// From a client's first octet until the last message has arrived at the next hop.
struct RelayMeasurement {
    private let bench: Bench

    init(_ bench: Bench) { self.bench = bench }

    func run(_ report: inout Report) async throws(Invalid) {
        var table = Table(
            "Relay end to end, 4 KB, until all have arrived",
            columns: ["from and to", "Postern/s", "accepted/s", "Postfix/s", "ratio"]
        )
        let sink = try Sink(on: bench.loops)
        defer { sink.close() }
        try await compare("20 SMTP sessions, own sink", sink, SMTPIntake(bench, nil), &table)
        try await compare("64 HTTP connections, own sink", sink, HTTPIntake(bench), &table)
        if let source = SMTPSource(bench), let sink = try await SMTPSink(bench) {
            defer { sink.close() }
            let intake = SMTPIntake(bench, source)
            try await compare("smtp-source, smtp-sink", sink, intake, &table)
        }
        report.add(table)
    }

    private func compare(
        _ label: String,
        _ sink: some MailSink,
        _ intake: some Intake,
        _ table: inout Table
    ) async throws(Invalid) {
        let gateway = try await GatewayProcess(bench, nextHop: sink.address)
        var postfix: Postfix?
        if let program = Postfix.find(bench), intake.speaksSMTP {
            postfix = try await Postfix(program, .relay(to: sink.address), bench)
        }
        defer { postfix?.close() }
        var (accepted, peer): ([Double], [Double]) = ([], [])
        let own = try await bench.median("Postern, \(label)") { () async throws(Invalid) in
            if let postfix {
                let target = IntakeTarget(smtp: postfix.address)
                peer.append(try await relay(400, intake, target, sink).whole.rate)
                Progress.say("  Postfix, \(label): \(Number.grouped(peer.last ?? 0))/s")
            }
            let target = IntakeTarget(smtp: gateway.smtp, gateway: gateway)
            let result = try await relay(2000, intake, target, sink)
            accepted.append(result.accepted.rate)
            return result.whole
        }
        let other = peer.isEmpty ? nil : peer.sorted()[peer.count / 2]
        table.add(
            label,
            Number.grouped(own.rate),
            Number.grouped(accepted.sorted()[accepted.count / 2]),
            other.map { Number.grouped($0) } ?? "–",
            other.map { Number.times(own.rate / $0) } ?? "–"
        )
        try gateway.close()
    }

    /// `rate` messages for each second that a run should last.
    private func relay(
        _ rate: Int,
        _ intake: some Intake,
        _ target: IntakeTarget,
        _ sink: some MailSink
    ) async throws(Invalid) -> (accepted: LoadResult, whole: LoadResult) {
        let count = rate * bench.options.seconds
        let before = sink.count
        let start = Clock.now
        let accepted = try await intake.send(count, to: target)
        guard await sink.waits(for: before + count, within: .seconds(120)) else {
            throw Invalid("of \(count) messages \(sink.count - before) arrived in 120 s")
        }
        let whole = LoadResult(count: count, seconds: Clock.seconds(since: start))
        guard sink.count == before + count else {
            throw Invalid("of \(count) messages \(sink.count - before) arrived: some twice")
        }
        return (accepted, whole)
    }
}
