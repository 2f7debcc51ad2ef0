import Store
import Wire

/// The envelope.
extension Transaction {
    mutating func reset() async throws(LostConversation) {
        _ = try await conversation.ask(.rset, in: .mail)
        conversation.needsReset = false
    }

    /// MAIL, RCPT and DATA; in one go where the server allows it (RFC 2920 §3.1). True when the
    /// content may follow.
    mutating func offerEnvelope() async throws(LostConversation) -> Bool {
        let isPipelined = conversation.capabilities.pipelining
        if isPipelined { try await sendEnvelope() }
        let reply = try await hear(in: .mail, after: isPipelined ? nil : carriage.mail)
        guard reply.code / 100 == 2 else {
            refusal = reply
            isPassedOver = Finding(on: reply, in: .mail) != .failed
            settle(by: reply, in: .mail)
            if isPipelined, conversation.isOpen { try await hearOut() }
            return false
        }
        conversation.needsReset = true
        for (index, recipient) in errand.recipients.enumerated() {
            let command = carriage.rcpt(recipient.entry)
            note(try await hear(in: .recipient, after: isPipelined ? nil : command), on: index)
        }
        if carriage.isChunked { return hasAccepted }
        guard hasAccepted || isPipelined else { return false }
        return try await offerData(isPipelined)
    }

    private func sendEnvelope() async throws(LostConversation) {
        var octets = carriage.mail.octets
        for recipient in errand.recipients {
            octets += carriage.rcpt(recipient.entry).octets
        }
        if !carriage.isChunked { octets += SMTPClientCommand.data.octets }
        try await conversation.send(octets, in: .mail, within: conversation.limits.command)
    }

    /// The answers to what was sent behind a refused MAIL; they say nothing new.
    private mutating func hearOut() async throws(LostConversation) {
        for _ in decided { _ = try await hear(in: .recipient) }
        if carriage.isChunked { return }
        if try await hear(in: .data).code == 354 { try await endEmptyData() }
    }

    private mutating func offerData(_ isPipelined: Bool) async throws(LostConversation) -> Bool {
        let reply = try await hear(
            in: .data,
            after: isPipelined ? nil : .data,
            within: conversation.limits.dataStart
        )
        if reply.code == 354 {
            if hasAccepted { return true }
            try await endEmptyData()
        } else {
            settle(by: reply, in: .data)
        }
        return false
    }

    /// DATA was pipelined and allowed, though nobody was accepted: a lone dot ends it (RFC 2920 §3.1).
    private mutating func endEmptyData() async throws(LostConversation) {
        let dot = Array(".\r\n".utf8)
        try await conversation.send(dot, in: .data, within: conversation.limits.command)
        _ = try await hear(in: .data)
        conversation.needsReset = false
    }

    mutating func hear(
        in phase: Phase,
        after command: SMTPClientCommand? = nil,
        within limit: Duration? = nil
    ) async throws(LostConversation) -> HopReply {
        self.phase = phase
        let limit = limit ?? conversation.limits.command
        if let command { return try await conversation.ask(command, in: phase, within: limit) }
        return conversation.hopReply(try await conversation.answer(in: phase, within: limit))
    }
}
