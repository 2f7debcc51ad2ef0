import Net

/// What a dead next hop costs the others: a thousand routes, each with its share of the mail.
struct RoutesMeasurement {
    private let bench: Bench
    private let routes = 1000

    init(_ bench: Bench) { self.bench = bench }

    func run(_ report: inout Report) async throws(Invalid) {
        let sink = try Sink(on: bench.loops)
        let dead = try SilentHop()
        defer {
            sink.close()
            dead.close()
        }
        var (sound, hurt): ([Double], [Double]) = ([], [])
        for _ in 0..<bench.options.runs {
            sound.append(try await rate("\(routes) routes", sink, firstHop: sink.address))
            hurt.append(try await rate("one of them dead", sink, firstHop: dead.address))
        }
        let (before, after) = (sound.sorted()[sound.count / 2], hurt.sorted()[hurt.count / 2])
        var table = Table("Relay end to end over many routes", columns: ["routes", "others/s"])
        table.add("\(routes), all alive", Number.grouped(before))
        table.add("\(routes), one dead", Number.grouped(after))
        report.add(table)
        report.judge(
            "the others' rate with one dead of \(routes) routes",
            goal: "unchanged",
            found: Number.percent(after / before),
            isMet: after >= 0.9 * before
        )
    }

    /// Of the mail to all routes but the first, until all of it has arrived.
    private func rate(
        _ label: String,
        _ sink: Sink,
        firstHop: SocketAddress
    ) async throws(Invalid) -> Double {
        let gateway = try await GatewayProcess(
            bench,
            routes: (0..<routes).map { number in
                let hop = number == 0 ? firstHop : sink.address
                return .init(addressSpace: domain(number), nextHop: hop)
            }
        )
        let requests = (0..<routes).map { number in
            let recipient = "operator@\(domain(number))"
            return HTTPRequests.message(for: recipient, to: gateway.host, key: gateway.key)
        }
        let first = HTTPLoad(address: gateway.http, requests: [requests[0]], status: 202)
        let load = HTTPLoad(address: gateway.http, requests: Array(requests[1...]), status: 202)
        _ = try await first.run(connections: 4, .messages(100), on: bench.clients)
        try? await Task.sleep(for: .milliseconds(500))
        let before = sink.count
        let others = 2000 * bench.options.seconds
        let start = Clock.now
        _ = try await load.run(connections: 64, .messages(others), on: bench.clients)
        guard await sink.waits(for: before + others, within: .seconds(120)) else {
            throw Invalid("of \(others) messages \(sink.count - before) arrived in 120 s")
        }
        let rate = Double(others) / Clock.seconds(since: start)
        Progress.say("  \(label): \(Number.grouped(rate))/s")
        try gateway.close()
        return rate
    }

    private func domain(_ number: Int) -> String { "site\(number).bench.example" }
}
