import Glibc
import Net

/// wrk, as a second opinion on the own load generator.
struct Wrk {
    private let program: String
    private let bench: Bench

    init?(_ bench: Bench) {
        guard let program = bench.peer("wrk") else { return nil }
        self.program = program
        self.bench = bench
    }

    /// Requests a second, percentiles in milliseconds.
    struct Finding {
        let rate: Double
        let p50: Substring
        let p99: Substring
    }

    func post(_ request: [UInt8], to gateway: GatewayProcess) async throws(Invalid) -> Finding {
        let script = "\(bench.workplace.path)/post.lua"
        let text = String(decoding: request, as: UTF8.self)
        let content = text[(text.ranges(of: "\r\n\r\n").first?.upperBound ?? text.startIndex)...]
        try TextFile.write(
            """
            wrk.method = "POST"
            wrk.headers["Authorization"] = "Bearer \(gateway.key)"
            wrk.headers["Content-Type"] = "application/json"
            wrk.body = [==[\(content)]==]
            """,
            to: script
        )
        let words = [
            "-t1", "-c64", "-d\(bench.options.seconds)s", "--timeout", "30s", "--latency",
            "-s", script, "http://\(gateway.host)/v1/messages",
        ]
        let output = "\(bench.workplace.path)/wrk"
        let child = try Child(program, words, output: output)
        try await child.finish(within: .seconds(bench.options.seconds + 60))
        return try finding(in: child.text)
    }

    private func finding(in text: String) throws(Invalid) -> Finding {
        guard !text.contains("Non-2xx"), !text.contains("Socket errors"),
            let rate = Self.word(after: "Requests/sec:", in: text).flatMap({ Double($0) }),
            let p50 = Self.word(after: " 50%", in: text),
            let p99 = Self.word(after: " 99%", in: text)
        else { throw Invalid("wrk says:\n\(text)") }
        return Finding(rate: rate, p50: p50, p99: p99)
    }

    private static func word(after label: String, in text: String) -> Substring? {
        text.ranges(of: label).first.flatMap { place in
            text[place.upperBound...].split(whereSeparator: \.isWhitespace).first
        }
    }
}
