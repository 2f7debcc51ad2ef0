import Net

/// Messages of 4 KB accepted over SMTP in 20 sessions; each 250 says that one is synced to disk.
/// Neither Postern nor Postfix delivers meanwhile.
struct AcceptMeasurement {
    private let bench: Bench

    init(_ bench: Bench) { self.bench = bench }

    func run(_ report: inout Report) async throws(Invalid) {
        let hop = try SilentHop()
        defer { hop.close() }
        let gateway = try await GatewayProcess(bench, nextHop: hop.address)
        let peers = try await AcceptPeers(bench)
        defer { peers.close() }
        var table = Table(
            "SMTP accept, 20 sessions, 4 KB",
            columns: [
                "connections", "Postern/s", "p50", "p99", "Postfix/s", "ratio", "smtp-sink/s",
                "of it", "journal/s", "of it",
            ]
        )
        for isReused in [false, true] {
            for sender in senders(reusingConnections: isReused) {
                try await measure(sender, gateway, peers, &table, &report)
            }
        }
        table.note("smtp-sink stores nothing: it shows what the client itself reaches")
        table.note("journal: a sink that appends and syncs each mail in groups, and nothing else")
        report.add(table)
        try gateway.close()
    }

    private func senders(reusingConnections isReused: Bool) -> [MailSender] {
        let way = isReused ? "reused" : "one a message"
        let own = MailSender(name: way, isReused: isReused, bench, source: nil)
        guard let source = SMTPSource(bench) else { return [own] }
        let second = MailSender(
            name: "\(way), smtp-source",
            isReused: isReused,
            bench,
            source: source
        )
        return [own, second]
    }

    /// Turn about, so that the machine's drift falls on all alike.
    private func measure(
        _ sender: MailSender,
        _ gateway: GatewayProcess,
        _ peers: AcceptPeers,
        _ table: inout Table,
        _ report: inout Report
    ) async throws(Invalid) {
        var (postfix, sink, journal) = peers.rates(of: sender)
        let own = try await bench.median("Postern, \(sender.name)") { () async throws(Invalid) in
            try await postfix.measure(sender, messages: 1000)
            try await sink.measure(sender, messages: 5000)
            try await journal.measure(sender, messages: 5000)
            return try await sender.send(5000, to: gateway.smtp)
        }
        table.add(
            [
                sender.name,
                Number.grouped(own.rate),
                Number.milliseconds(own.percentile(0.5)),
                Number.milliseconds(own.percentile(0.99)),
            ] + postfix.cells { Number.times(own.rate / $0) }
                + sink.cells { Number.percent(own.rate / $0) }
                + journal.cells { Number.percent(own.rate / $0) }
        )
        guard sender.isSMTPSource, let postfix = postfix.median, let sink = sink.median else {
            return
        }
        report.judge(
            "SMTP accept, \(sender.name), of Postfix or of smtp-sink",
            goal: "≥ ×8 or 75 %",
            found: "\(Number.times(own.rate / postfix)), \(Number.percent(own.rate / sink))",
            isMet: own.rate >= 8 * postfix || own.rate >= 0.75 * sink
        )
        guard sender.isReused, let post = report.postRate else { return }
        report.judge(
            "POST at 64 connections, of what Postfix accepts (smtp-source, reused)",
            goal: "≥ ×10",
            found: Number.times(post / postfix),
            isMet: post >= 10 * postfix
        )
    }
}

/// One way to hand over mail: the own client for a time, or smtp-source, which wants a number.
struct MailSender {
    let name: String
    let isReused: Bool
    private let bench: Bench
    private let source: SMTPSource?

    init(name: String, isReused: Bool, _ bench: Bench, source: SMTPSource?) {
        self.name = name
        self.isReused = isReused
        self.bench = bench
        self.source = source
    }

    var isSMTPSource: Bool { source != nil }

    /// smtp-source sends `rate` messages for each second that a run should last.
    func send(_ rate: Int, to address: SocketAddress) async throws(Invalid) -> LoadResult {
        if let source {
            let count = rate * bench.options.seconds
            return try await source.send(count, to: address, reusingConnections: isReused)
        }
        let load = SMTPLoad(to: address, sessions: 20, octets: 4096, reusesConnections: isReused)
        return try await load.run(bench.extent, on: bench.clients)
    }
}
