import Glibc
import Net

/// Postfix's own load generator and sink, as a second opinion.
struct SMTPSource {
    let program: String
    let bench: Bench

    init?(_ bench: Bench) {
        guard let program = bench.peer("smtp-source") else { return nil }
        self.program = program
        self.bench = bench
    }

    func send(
        _ messages: Int,
        to address: SocketAddress,
        reusingConnections: Bool
    ) async throws(Invalid) -> LoadResult {
        let words =
            (reusingConnections ? ["-d"] : []) + [
                "-s", "20", "-l", "4096", "-m", "\(messages)",
                "-f", "a@bench.example", "-t", "b@bench.example", "\(address)",
            ]
        let start = Clock.now
        let child = try Child(program, words, output: "\(bench.workplace.path)/smtp-source")
        try await child.finish(within: .seconds(300))
        return LoadResult(count: messages, seconds: Clock.seconds(since: start))
    }
}

final class SMTPSink {
    let address: SocketAddress
    private let child: Child

    init?(_ bench: Bench) async throws(Invalid) {
        guard let program = bench.peer("smtp-sink") else { return nil }
        address = try FreePorts.take(1)[0]
        // As root it wants another user's name.
        let user = geteuid() == 0 ? ["-u", "nobody"] : []
        let words = ["-c"] + user + ["\(address)", "1000"]
        child = try Child(program, words, output: "\(bench.workplace.path)/smtp-sink")
        try await Waiting.untilItListens(address, on: bench.clients, log: child.output)
    }

    /// From its running line `sess=2 quit=1 mesg=7`, rewritten after a carriage return.
    var count: Int {
        let tail = child.text.suffix(200)
        guard let place = tail.ranges(of: "mesg=").last?.upperBound else { return 0 }
        return Int(tail[place...].prefix { $0.isNumber }) ?? 0
    }

    func close() { child.end() }
}
