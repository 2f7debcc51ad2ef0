import Net
import Synchronization
import Testing
import Wire

@testable import Delivery

/// A next hop on loopback that does what it is told: a well-behaved server, but for what its script
/// changes.
final class Sink: Sendable {
    struct Script: Sendable {
        var greeting = "220 sink ESMTP"
        var capabilities = ["PIPELINING", "8BITMIME", "SMTPUTF8", "SIZE 1000000"]
        /// By the beginning of a command, "." for the end of content; the longest beginning counts.
        var replies: [String: String] = [:]
        /// After this command the connection is closed, before any reply.
        var closesAt: String?
        /// To this command nothing is answered.
        var silentAt: String?
        /// Only for the first so many commands of that beginning.
        var onlyFor = Int.max
        var tls: TLSServerContext?
        var isImplicit = false
        /// Said in the clear behind the 220 to STARTTLS.
        var injected = ""
        /// How many transactions a connection gets before 421.
        var patience = Int.max
    }

    struct Record: Sendable {
        var connections = 0
        /// Of all connections, in order.
        var commands: [String] = []
        var contents: [String] = []
        var troubled = 0
    }

    let script: Script
    private let listener: Listener
    private let record = Mutex(Record())

    init(_ script: Script = Script(), on loops: EventLoops, port: Int = 0) throws {
        self.script = script
        listener = try Listener(#require(SocketAddress(ip: "127.0.0.1", port: port)))
        @Sendable func serve(_ connection: sending Connection) async {
            await self.serve(connection)
        }
        listener.start(on: loops, serve: serve)
    }

    private func serve(_ connection: sending Connection) async {
        record.withLock { $0.connections += 1 }
        var session = SinkSession(sink: self, connection: connection)
        do throws(StreamError) { try await session.serve() } catch {}
    }

    deinit { listener.stop() }

    var host: HostPort { HostPort(host: "127.0.0.1", port: listener.local.port) }
    var seen: Record { record.withLock { $0 } }
    func stop() { listener.stop() }

    fileprivate func note(_ change: (inout Record) -> Void) { record.withLock { change(&$0) } }

    fileprivate func reply(to command: String) -> String? {
        script.replies.filter { command.uppercased().hasPrefix($0.key.uppercased()) }
            .max { $0.key.utf8.count < $1.key.utf8.count }?.value
    }
}

private struct SinkSession {
    let sink: Sink
    let connection: Connection
    var received: [UInt8] = []
    var chunks: [UInt8] = []
    var isPrivate = false
    var transactions = 0

    mutating func serve() async throws(StreamError) {
        let script = sink.script
        if script.isImplicit, let tls = script.tls { try await secure(tls) }
        try await say(script.greeting)
        while let line = try await line() {
            sink.note { $0.commands.append(line) }
            if try await isTroubled(at: line) { return }
            switch String(line.prefix(4)).uppercased() {
            case "EHLO": try await say(sink.reply(to: line) ?? offers)
            case "STAR": try await startTLS(line)
            case "AUTH": try await say(sink.reply(to: line) ?? "235 2.7.0 in")
            case "MAIL":
                transactions += 1
                let isTired = transactions > script.patience
                try await say(isTired ? "421 4.4.2 idle" : sink.reply(to: line) ?? "250 2.1.0 ok")
                if isTired { return }
            case "DATA":
                let reply = sink.reply(to: line) ?? "354 go"
                try await say(reply)
                if reply.hasPrefix("354"), try await !content() { return }
            case "BDAT": try await chunk(line)
            case "QUIT":
                try await say("221 bye")
                return
            default: try await say(sink.reply(to: line) ?? "250 2.0.0 ok")
            }
        }
    }

    private func isTroubled(at line: String) async throws(StreamError) -> Bool {
        let script = sink.script
        let isFirst = { sink.seen.troubled < script.onlyFor }
        if let place = script.closesAt, line.hasPrefix(place), isFirst() {
            sink.note { $0.troubled += 1 }
            return true
        }
        if let place = script.silentAt, line.hasPrefix(place), isFirst() {
            sink.note { $0.troubled += 1 }
            while try await connection.receive(within: .seconds(5), { _ in }) != nil {}
            return true
        }
        return false
    }

    private var offers: String {
        var lines = ["sink"] + sink.script.capabilities
        if sink.script.tls != nil, !isPrivate, !sink.script.isImplicit { lines.append("STARTTLS") }
        let last = lines.removeLast()
        return lines.map { "250-\($0)\r\n" }.joined() + "250 \(last)"
    }

    private mutating func startTLS(_ line: String) async throws(StreamError) {
        if let reply = sink.reply(to: line) { return try await say(reply) }
        guard let tls = sink.script.tls else { return try await say("502 no") }
        try await connection.send(
            Array("220 go\r\n\(sink.script.injected)".utf8),
            within: .seconds(2)
        )
        try await secure(tls)
    }

    private mutating func secure(_ tls: TLSServerContext) async throws(StreamError) {
        try await connection.startTLS(tls, within: .seconds(5))
        isPrivate = true
    }

    /// False when the script ends the connection here.
    private mutating func content() async throws(StreamError) -> Bool {
        var text = ""
        while let line = try await line(), line != "." { text += line + "\r\n" }
        if try await isTroubled(at: ".") { return false }
        sink.note {
            $0.contents.append(text)
            $0.commands.append(".")
        }
        try await say(sink.reply(to: ".") ?? "250 2.6.0 queued")
        return true
    }

    /// Octet for octet, as BDAT promises; a content is whole after the last one.
    private mutating func chunk(_ line: String) async throws(StreamError) {
        let words = line.split(separator: " ")
        let size = words.count > 1 ? Int(words[1]) ?? 0 : 0
        while received.count < size, try await more() {}
        chunks += received.prefix(size)
        received.removeFirst(min(size, received.count))
        if words.last == "LAST" {
            let text = String(decoding: chunks, as: UTF8.self)
            sink.note { $0.contents.append(text) }
            chunks = []
        }
        try await say(sink.reply(to: line) ?? "250 2.0.0 ok")
    }

    private func say(_ text: String) async throws(StreamError) {
        try await connection.send(Array((text + "\r\n").utf8), within: .seconds(5))
    }

    private mutating func line() async throws(StreamError) -> String? {
        while true {
            if let end = received.firstIndex(of: 10) {
                let line = String(decoding: received[..<end].dropLast(), as: UTF8.self)
                received.removeSubrange(...end)
                return line
            }
            guard try await more() else { return nil }
        }
    }

    /// False at the end.
    private mutating func more() async throws(StreamError) -> Bool {
        var octets: [UInt8] = []
        let arrived: Void? = try await connection.receive(within: .seconds(20)) { bytes in
            for index in bytes.indices { octets.append(bytes[index]) }
        }
        received += octets
        return arrived != nil
    }
}
