import Net

/// Sessions that hand over mail as smtp-source does: command by command, each reply awaited.
struct SMTPLoad: Sendable {
    let address: SocketAddress
    let sessions: Int
    /// Or else each message gets a connection of its own.
    let reusesConnections: Bool
    private let mail: [UInt8]

    init(to address: SocketAddress, sessions: Int, octets: Int, reusesConnections: Bool) {
        self.address = address
        self.sessions = sessions
        self.reusesConnections = reusesConnections
        let line = String(repeating: "X", count: 78) + "\r\n"
        let head = """
            From: <a@bench.example>\r
            To: <b@bench.example>\r
            Date: Sun, 22 Nov 2026 08:00:00 +0000\r
            Subject: a message of the benchmark\r
            \r

            """
        let body = String(repeating: line, count: max(1, (octets - head.utf8.count) / 80))
        mail = Array((head + body + ".\r\n").utf8)
    }

    func run(_ extent: Extent, on loop: EventLoop) async throws(Invalid) -> LoadResult {
        try await Crowd.run(sessions, on: loop) { _ async throws(Invalid) in
            do {
                return try await session(extent)
            } catch let error as Invalid {
                throw error
            } catch {
                throw Invalid("SMTP at \(address): \(error)")
            }
        }
    }

    private func session(_ extent: Extent) async throws -> Latencies {
        var latencies = Latencies()
        var kept: SMTPTalk?
        while extent.takeOne() {
            let start = Clock.now
            var talk = if let kept { kept } else { try await SMTPTalk.open(address) }
            try await talk.say(Self.sender, expecting: 2)
            try await talk.say(Self.recipient, expecting: 2)
            try await talk.say(Self.data, expecting: 3)
            try await talk.say(mail, expecting: 2)
            latencies.note(since: start)
            if reusesConnections { kept = talk } else { try await talk.quit() }
        }
        try await kept?.quit()
        return latencies
    }

    private static let sender = Array("MAIL FROM:<a@bench.example>\r\n".utf8)
    private static let recipient = Array("RCPT TO:<b@bench.example>\r\n".utf8)
    private static let data = Array("DATA\r\n".utf8)
}

/// A client's side of one SMTP connection.
private struct SMTPTalk {
    private let connection: Connection
    private var reply: [UInt8] = []

    private init(_ connection: Connection) { self.connection = connection }

    static func open(_ address: SocketAddress) async throws -> SMTPTalk {
        var talk = SMTPTalk(try await Connection.connect(to: address, within: .seconds(20)))
        try await talk.expect(2)
        try await talk.say(Array("EHLO client.bench.example\r\n".utf8), expecting: 2)
        return talk
    }

    mutating func say(_ octets: [UInt8], expecting digit: UInt8) async throws {
        try await connection.send(octets, within: .seconds(60))
        try await expect(digit)
    }

    mutating func quit() async throws {
        try await say(Array("QUIT\r\n".utf8), expecting: 2)
        connection.close()
    }

    /// A whole reply of that class; nothing was pipelined, so it ends what was received.
    private mutating func expect(_ digit: UInt8) async throws {
        reply.removeAll(keepingCapacity: true)
        repeat {
            let more: Void? = try await connection.receive(within: .seconds(120)) { octets in
                octets.withUnsafeBufferPointer { reply.append(contentsOf: $0) }
            }
            guard more != nil else { throw StreamError.closed }
        } while !isComplete
        guard reply[0] == digit + 48 else {
            throw Invalid("an SMTP reply was \(String(decoding: reply, as: UTF8.self))")
        }
    }

    private var isComplete: Bool {
        guard reply.last == UInt8(ascii: "\n"), reply.count >= 5 else { return false }
        let before = reply.dropLast().lastIndex(of: UInt8(ascii: "\n"))
        let last = reply[(before.map { $0 + 1 } ?? 0)...]
        return last.count < 5 || last[last.startIndex + 3] == UInt8(ascii: " ")
    }
}
