import Net

/// Where mail is handed in.
struct IntakeTarget {
    let smtp: SocketAddress
    var gateway: GatewayProcess?
}

/// A way to hand in a number of messages.
protocol Intake {
    var speaksSMTP: Bool { get }
    func send(_ count: Int, to target: IntakeTarget) async throws(Invalid) -> LoadResult
}

struct SMTPIntake: Intake {
    private let bench: Bench
    private let source: SMTPSource?

    init(_ bench: Bench, _ source: SMTPSource?) {
        self.bench = bench
        self.source = source
    }

    var speaksSMTP: Bool { true }

    func send(_ count: Int, to target: IntakeTarget) async throws(Invalid) -> LoadResult {
        if let source {
            return try await source.send(count, to: target.smtp, reusingConnections: true)
        }
        let load = SMTPLoad(to: target.smtp, sessions: 20, octets: 4096, reusesConnections: true)
        return try await load.run(.messages(count), on: bench.clients)
    }
}

struct HTTPIntake: Intake {
    private let bench: Bench

    init(_ bench: Bench) { self.bench = bench }

    var speaksSMTP: Bool { false }

    func send(_ count: Int, to target: IntakeTarget) async throws(Invalid) -> LoadResult {
        guard let gateway = target.gateway else { throw Invalid("only the gateway speaks HTTP") }
        let request = HTTPRequests.message(to: gateway.host, key: gateway.key)
        let load = HTTPLoad(address: gateway.http, requests: [request], status: 202)
        return try await load.run(connections: 64, .messages(count), on: bench.clients)
    }
}

/// A next hop that counts.
protocol MailSink {
    var address: SocketAddress { get }
    /// Mails that arrived so far.
    var count: Int { get }
}

extension Sink: MailSink {}
extension SMTPSink: MailSink {}

extension MailSink {
    /// Waits until that many have come in all; false when that takes too long.
    func waits(for messages: Int, within limit: Duration) async -> Bool {
        let end = ContinuousClock.now + limit
        while count < messages {
            guard ContinuousClock.now < end else { return false }
            try? await Task.sleep(for: .milliseconds(5))
        }
        return true
    }
}
