import Mail
import Net
import Wire

/// A short conversation with an SMTP server, for commands that submit one mail.
struct SMTPTalk {
    private let stream: Connection
    private var reader = SMTPReplyReader()

    init(_ stream: Connection) {
        self.stream = stream
    }

    /// Hands in one mail and answers with the reply that took it.
    mutating func submit(
        _ mail: [UInt8],
        from sender: Mailbox,
        to recipients: [Mailbox],
        as name: String,
        credentials: (username: String, password: String)? = nil
    ) async throws -> SMTPReply {
        _ = try await expect(2)
        try await say(.ehlo(name))
        if let credentials {
            try await say(
                .authPlain(username: credentials.username, password: credentials.password)
            )
        }
        try await say(.mail(.mailbox(sender)))
        for recipient in recipients { try await say(.rcpt(recipient)) }
        try await send(SMTPClientCommand.data.octets)
        _ = try await expect(3)
        var stuffer = DotStuffer()
        var content: [UInt8] = []
        stuffer.stuff(mail.span, into: &content)
        stuffer.finish(into: &content)
        try await send(content)
        let reply = try await expect(2)
        try? await send(SMTPClientCommand.quit.octets)
        return reply
    }

    private mutating func say(_ command: SMTPClientCommand) async throws {
        try await send(command.octets)
        _ = try await expect(2)
    }

    private func send(_ octets: [UInt8]) async throws {
        try await stream.send(octets, within: .seconds(60))
    }

    /// The next reply, when its code begins with that digit.
    private mutating func expect(_ digit: Int) async throws -> SMTPReply {
        while true {
            if let reply = try reader.next() {
                guard reply.code / 100 == digit else { throw SMTPRefusal(reply: reply) }
                return reply
            }
            let received: Void? = try await stream.receive(within: .seconds(120)) {
                reader.receive($0)
            }
            guard received != nil else { throw StreamError.closed }
        }
    }
}

struct SMTPRefusal: Error {
    let reply: SMTPReply
}
