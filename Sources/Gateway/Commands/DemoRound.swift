import Mail
import Net
import Store
import Wire

/// `demo --once`: a message by each door, through the real sockets, until both are delivered.
struct DemoRound: Sendable {
    let ports: DemoPorts
    let key: String

    func run(_ it: Invocation, on server: Server) async throws(CommandFailure) {
        let loops = EventLoops(count: 1)
        defer { loops.shutDown() }
        let result = await loops.next().run { () async -> Result<[MessageID], CommandFailure> in
            do {
                return .success([try await sendByHTTP(), try await sendBySMTP()])
            } catch let failure as CommandFailure {
                return .failure(failure)
            } catch {
                return .failure(
                    CommandFailure(.unavailable, "the demo's own message failed: \(error)")
                )
            }
        }
        var receipts: [MessageRecord] = []
        for id in try result.get() { receipts.append(try await delivered(id, on: server)) }
        print(receipts, it)
        await server.drain()
    }

    private func print(_ receipts: [MessageRecord], _ it: Invocation) {
        guard !it.wantsJSON else {
            var json = JSONWriter()
            json.beginArray()
            for record in receipts { record.write(to: &json) }
            json.endArray()
            return it.say(String(decoding: json.octets, as: UTF8.self))
        }
        for record in receipts {
            let recipient = record.recipients[0]
            it.say(
                "\(record.id) by \(record.details.origin): \(recipient.mailbox)"
                    + " \(recipient.status.name) by \(recipient.route)"
                    + (recipient.lastReply.map { " (\($0.text))" } ?? "")
            )
        }
    }

    private func delivered(
        _ id: MessageID,
        on server: Server
    ) async throws(CommandFailure) -> MessageRecord {
        for _ in 0..<400 {
            if let record = try? await server.gateway.store.message(id),
                record.status == .delivered
            {
                return record
            }
            try? await Task.sleep(for: .milliseconds(25))
        }
        throw CommandFailure(.unavailable, "\(id) was not delivered within 10 s")
    }

    private func connect(_ port: Int) async throws -> Connection {
        guard let address = SocketAddress(ip: "127.0.0.1", port: port) else {
            throw CommandFailure(.unavailable, "port \(port) is none")
        }
        return try await Connection.connect(to: address, within: .seconds(5))
    }

    private func sendByHTTP() async throws -> MessageID {
        let stream = try await connect(ports.http)
        defer { stream.close() }
        let message: JSONValue = [
            "from": "backup@demo.example", "to": "you@demo.example",
            "subject": "Nightly backup", "text": "All 42 volumes are safe.",
        ]
        var request = HTTPRequest(.post, "/v1/messages", authority: "127.0.0.1:\(ports.http)")
        request.append("Authorization", "Bearer \(key)")
        request.append("Content-Type", "application/json")
        let response = try await HTTPExchangeClient.exchange(
            request,
            message.serialized(),
            on: stream
        )
        guard response.status == 202, let id = MessageID(response.json["id"].text) else {
            throw CommandFailure(.unavailable, "HTTP answered \(response.status): \(response.text)")
        }
        return id
    }

    private func sendBySMTP() async throws -> MessageID {
        let stream = try await connect(ports.smtp)
        defer { stream.close() }
        var client = SMTPTalk(stream)
        let mail = "From: printer@demo.example\r\nSubject: Toner is low\r\n\r\nTray 2.\r\n"
        let reply = try await client.submit(
            Array(mail.utf8),
            from: Mailbox(localPart: "printer", domain: "demo.example"),
            to: [Mailbox(localPart: "you", domain: "demo.example")],
            as: "demo"
        )
        // 250 2.6.0 <message-id> [InternalId=msg_…, Hostname=…] …
        let name = reply.text.split(separator: "InternalId=").last?.prefix { $0 != "," } ?? ""
        guard let id = MessageID(String(name)) else {
            throw CommandFailure(.unavailable, "SMTP answered \(reply)")
        }
        return id
    }
}
