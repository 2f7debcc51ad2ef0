import Net

/// A JSON message with a large attachment, sent piece by piece: the client holds no more than one.
struct Upload: Sendable {
    private let address: SocketAddress
    private let head: [UInt8]
    private let piece: [UInt8]
    private let pieces: Int
    private let tail = Array("\"}]}".utf8)

    init(to gateway: GatewayProcess, octets: Int) {
        let start = """
            {"from":"backup@bench.example","to":["operator@bench.example"],"subject":"Large",\
            "text":"See the attachment.","attachments":[{"filename":"backup.log",\
            "content_type":"application/octet-stream","content":"
            """
        address = gateway.http
        piece = [UInt8](repeating: UInt8(ascii: "Q"), count: 64 << 10)
        pieces = octets / piece.count
        let length = start.utf8.count + pieces * piece.count + tail.count
        let fields = HTTPRequests.head(of: length, to: gateway.host, key: gateway.key)
        head = fields + Array(start.utf8)
    }

    func run() async throws(Invalid) -> Latencies {
        var latencies = Latencies()
        let start = Clock.now
        do throws(StreamError) {
            let connection = try await Connection.connect(to: address, within: .seconds(20))
            try await connection.send(head, within: .seconds(120))
            for _ in 0..<pieces { try await connection.send(piece, within: .seconds(120)) }
            try await connection.send(tail, within: .seconds(120))
            var reader = HTTPAnswerReader()
            let status = try await reader.read(connection)
            guard status == 202 else { throw .tls(String(reader.text.prefix(1000))) }
        } catch {
            throw Invalid("a large message: \(error)")
        }
        latencies.note(since: start)
        return latencies
    }
}
