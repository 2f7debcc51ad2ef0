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
        var postfix: Postfix?
        if let program = Postfix.find(bench) { postfix = try await Postfix(program, .hold, bench) }
        defer { postfix?.close() }
        var table = Table(
            "SMTP accept, 20 sessions, 4 KB",
            columns: ["connections", "Postern/s", "p50", "p99", "Postfix/s", "ratio"]
        )
        for isReused in [false, true] {
            for sender in senders(reusingConnections: isReused) {
                try await measure(sender, gateway, postfix, &table, &report)
            }
        }
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

    private func measure(
        _ sender: MailSender,
        _ gateway: GatewayProcess,
        _ postfix: Postfix?,
        _ table: inout Table,
        _ report: inout Report
    ) async throws(Invalid) {
        var peer: [Double] = []
        let own = try await bench.median("Postern, \(sender.name)") { () async throws(Invalid) in
            if let postfix {
                let result = try await sender.send(1000, to: postfix.address)
                Progress.say("  Postfix, \(sender.name): \(Number.grouped(result.rate))/s")
                peer.append(result.rate)
            }
            return try await sender.send(3000, to: gateway.smtp)
        }
        let other = peer.isEmpty ? nil : peer.sorted()[peer.count / 2]
        table.add(
            sender.name,
            Number.grouped(own.rate),
            Number.milliseconds(own.percentile(0.5)),
            Number.milliseconds(own.percentile(0.99)),
            other.map { Number.grouped($0) } ?? "–",
            other.map { Number.times(own.rate / $0) } ?? "–"
        )
        guard sender.isReused, sender.isSMTPSource, let other, let post = report.postRate else {
            return
        }
        report.judge(
            "POST at 64 connections, of what Postfix accepts (smtp-source, reused)",
            goal: "≥ ×10",
            found: Number.times(post / other),
            isMet: post >= 10 * other
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
