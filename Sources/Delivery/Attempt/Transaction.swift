import Store
import Wire

extension Conversation {
    /// One mail transaction (RFC 5321 §3.3).
    func transact(_ errand: Errand, content: ContentFeed) async -> AttemptReport {
        if let refusal = refusal(of: errand.first) {
            var report = AttemptReport(all: .failed(refusal), of: errand)
            report.phase = .mail
            return report
        }
        var transaction = Transaction(errand, on: self)
        let isReused = transactions > 0
        transactions += 1
        do throws(LostConversation) {
            try await transaction.run(content)
        } catch {
            transaction.lose(error, isReused: isReused)
        }
        if isReused { transaction.noticeClosing() }
        return transaction.report
    }

    /// What this next hop would refuse, found without asking it.
    private func refusal(of entry: QueueEntry) -> HopReply? {
        if entry.requiresSMTPUTF8, !capabilities.smtpUTF8 {
            return .found("the next hop does not take SMTPUTF8 mail", "5.6.7", host: target.label)
        }
        if let limit = capabilities.size, entry.octets > limit {
            return .found(
                "\(entry.octets) octets; the next hop takes at most \(limit)",
                "5.3.4",
                host: target.label
            )
        }
        return nil
    }
}

/// A transaction under way: who is accepted, refused, or not yet decided.
private struct Transaction {
    private let errand: Errand
    private let conversation: Conversation
    private var decided: [Outcome?]
    private var condition: String?
    private var phase = Phase.mail
    /// The reply to MAIL, where it did not accept.
    private var refusal: HopReply?
    private var isStale = false
    private var isPassedOver = false
    private var contentTrouble: String?

    init(_ errand: Errand, on conversation: Conversation) {
        self.errand = errand
        self.conversation = conversation
        decided = Array(repeating: nil, count: errand.recipients.count)
    }

    var report: AttemptReport {
        let host = conversation.target.label
        let undecided = Outcome.deferred(.found("not attempted", "4.4.2", host: host))
        var report = AttemptReport(outcomes: decided.map { $0 ?? undecided }, condition: condition)
        report.isStale = isStale
        report.isPassedOver = isPassedOver
        report.tlsVersion = conversation.tlsVersion
        report.phase = phase
        report.contentTrouble = contentTrouble
        return report
    }

    mutating func run(_ content: ContentFeed) async throws(LostConversation) {
        // Read before MAIL: content that cannot be read is found while it costs nothing.
        let start = try await piece(of: content)
        if conversation.needsReset { try await reset() }
        guard try await offerEnvelope() else { return }
        try await send(content, from: start)
        phase = .afterContent
        let reply = try await conversation.answer(
            in: .afterContent,
            within: conversation.limits.afterContent
        )
        conversation.needsReset = false
        settle(by: conversation.hopReply(reply), in: .afterContent)
    }

    /// What is undecided when the conversation breaks off. After the final dot nobody knows.
    mutating func lose(_ loss: LostConversation, isReused: Bool) {
        phase = loss.phase
        if loss.isOwnFault { contentTrouble = loss.reason }
        let text = loss.isOwnFault ? loss.reason : "\(loss.reason) (\(loss.phase.inWords))"
        let host = loss.isOwnFault ? "" : conversation.target.label
        let reply = HopReply.found(text, loss.isOwnFault ? "4.3.0" : "4.4.2", host: host)
        isPassedOver = loss.phase == .mail && !loss.isOwnFault
        isStale = isReused && isPassedOver
        settleOpen(loss.phase == .afterContent ? .uncertain(reply) : .deferred(reply))
    }

    /// 421 to MAIL on a connection that had been kept: its patience was over, and that is all.
    mutating func noticeClosing() {
        if refusal?.code == 421 {
            isStale = true
            condition = nil
        }
    }
}

// MARK: - The envelope

extension Transaction {
    private mutating func reset() async throws(LostConversation) {
        _ = try await conversation.ask(.rset, in: .mail)
        conversation.needsReset = false
    }

    /// MAIL, RCPT and DATA; in one go where the server allows it (RFC 2920 §3.1). True when the
    /// content may follow.
    private mutating func offerEnvelope() async throws(LostConversation) -> Bool {
        let isPipelined = conversation.capabilities.pipelining
        if isPipelined { try await sendEnvelope() }
        let reply = try await hear(in: .mail, after: isPipelined ? nil : mail)
        guard reply.code / 100 == 2 else {
            refusal = reply
            isPassedOver = Finding(on: reply, in: .mail) != .failed
            settle(by: reply, in: .mail)
            if isPipelined, conversation.isOpen { try await hearOut() }
            return false
        }
        conversation.needsReset = true
        for (index, recipient) in errand.recipients.enumerated() {
            let command = SMTPClientCommand.rcpt(recipient.entry.mailbox)
            note(try await hear(in: .recipient, after: isPipelined ? nil : command), on: index)
        }
        guard hasAccepted || isPipelined else { return false }
        return try await offerData(isPipelined)
    }

    private func sendEnvelope() async throws(LostConversation) {
        var octets = mail.octets
        for recipient in errand.recipients {
            octets += SMTPClientCommand.rcpt(recipient.entry.mailbox).octets
        }
        octets += SMTPClientCommand.data.octets
        try await conversation.send(octets, in: .mail, within: conversation.limits.command)
    }

    /// An 8-bit mail goes to a next hop without 8BITMIME as it is, as most relays send it: re-encoding
    /// would break signatures, and hosts that cannot carry it have all but died out.
    private var mail: SMTPClientCommand {
        let entry = errand.first
        let capabilities = conversation.capabilities
        return .mail(
            entry.sender,
            size: capabilities.declaresSize ? entry.octets : nil,
            body: entry.is8Bit && capabilities.eightBitMIME ? .eightBitMIME : nil,
            smtpUTF8: entry.requiresSMTPUTF8
        )
    }

    /// The answers to what was sent behind a refused MAIL; they say nothing new.
    private mutating func hearOut() async throws(LostConversation) {
        for _ in decided { _ = try await hear(in: .recipient) }
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

    private mutating func hear(
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

// MARK: - The content

extension Transaction {
    /// One piece ahead, so that the last one carries the end of the data with it: a small mail is one
    /// write, and memory holds two pieces.
    private mutating func send(
        _ content: ContentFeed,
        from start: [UInt8]?
    ) async throws(LostConversation) {
        phase = .content
        var stuffer = DotStuffer()
        var current = start
        while let piece = current {
            var octets: [UInt8] = []
            octets.reserveCapacity(piece.count + piece.count / 64 + 16)
            stuffer.stuff(piece.span, into: &octets)
            current = try await self.piece(of: content)
            if current == nil { stuffer.finish(into: &octets) }
            try await conversation.send(octets, in: .content, within: conversation.limits.block)
        }
        if start == nil {
            var end: [UInt8] = []
            stuffer.finish(into: &end)
            try await conversation.send(end, in: .content, within: conversation.limits.block)
        }
    }

    private func piece(of content: ContentFeed) async throws(LostConversation) -> [UInt8]? {
        do throws(StoreError) {
            return try await content.next()
        } catch {
            // In the middle of content the only way not to send half a mail is to hang up.
            if phase == .content { conversation.hangUp() }
            let reason = "the content could not be read: \(error)"
            throw LostConversation(phase: phase, reason: reason, isOwnFault: true)
        }
    }
}

// MARK: - Decisions

extension Transaction {
    /// Accepted and not yet decided.
    private var hasAccepted: Bool { decided.contains { $0 == nil } }

    private mutating func note(_ reply: HopReply, on index: Int) {
        switch Finding(on: reply, in: .recipient) {
        case .accepted: break
        case .failed: decided[index] = .failed(reply)
        // Only where others of this transaction were taken; else it would go round for ever.
        case .again where decided[..<index].contains { $0 == nil }: decided[index] = .again
        case .again, .deferred, .hostCondition: decided[index] = .deferred(reply)
        case .routeCondition:
            decided[index] = .deferred(reply)
            condition = reply.words
        }
    }

    private mutating func settle(by reply: HopReply, in phase: Phase) {
        switch Finding(on: reply, in: phase) {
        case .accepted: settleOpen(.relayed(reply))
        case .failed: settleOpen(.failed(reply))
        case .deferred, .again, .hostCondition: settleOpen(.deferred(reply))
        case .routeCondition:
            settleOpen(.deferred(reply))
            condition = reply.words
        }
    }

    private mutating func settleOpen(_ outcome: Outcome) {
        for index in decided.indices where decided[index] == nil { decided[index] = outcome }
    }
}
