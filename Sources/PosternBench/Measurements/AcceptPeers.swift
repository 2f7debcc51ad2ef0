import Net

/// Who else takes the same mails: Postfix, which syncs and queues them; smtp-sink, which drops them; and
/// a sink that only syncs them.
struct AcceptPeers {
    private let postfix: Postfix?
    private let sink: SMTPSink?
    private let journal: Sink
    private let loops = EventLoops(count: 1)

    init(_ bench: Bench) async throws(Invalid) {
        if let program = Postfix.find(bench) {
            postfix = try await Postfix(program, .hold, bench)
        } else {
            postfix = nil
        }
        sink = try await SMTPSink(bench)
        // The clients' loop has nothing to do while smtp-source sends.
        let synced = try SyncedJournal(in: bench.workplace, on: bench.clients)
        journal = try Sink(on: loops, journal: synced)
    }

    func rates(of sender: MailSender) -> (postfix: PeerRates, sink: PeerRates, journal: PeerRates) {
        (
            PeerRates("Postfix", postfix?.address),
            PeerRates("smtp-sink", sink?.address),
            PeerRates("journal", sender.isSMTPSource ? journal.address : nil)
        )
    }

    func close() {
        postfix?.close()
        sink?.close()
        journal.close()
        loops.shutDown(grace: .seconds(1))
    }
}

/// How fast a peer took mail, run by run; nothing where it is not there.
struct PeerRates {
    private let name: String
    private let address: SocketAddress?
    private var rates: [Double] = []

    init(_ name: String, _ address: SocketAddress?) {
        self.name = name
        self.address = address
    }

    var median: Double? { rates.isEmpty ? nil : rates.sorted()[rates.count / 2] }

    mutating func measure(_ sender: MailSender, messages rate: Int) async throws(Invalid) {
        guard let address else { return }
        let result = try await sender.send(rate, to: address)
        Progress.say("  \(name), \(sender.name): \(Number.grouped(result.rate))/s")
        rates.append(result.rate)
    }

    /// The median, and what ours is beside it.
    func cells(_ relation: (Double) -> String) -> [String] {
        [median.map(Number.grouped) ?? "–", median.map(relation) ?? "–"]
    }
}
