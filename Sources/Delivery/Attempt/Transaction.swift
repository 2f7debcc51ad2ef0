import Mail
import Net
import Store
import Wire

extension Conversation {
    /// One mail transaction (RFC 5321 §3.3).
    func transact(_ errand: Errand, content: () -> ContentFeed) async -> AttemptReport {
        if let refusal = refusal(of: errand.first) {
            var report = AttemptReport(all: .failed(refusal), of: errand)
            report.phase = .mail
            // Another host may well be of newer make.
            report.isPassedOver = refusal.enhanced == HopReply.lacksSMTPUTF8
            return report
        }
        var transaction = Transaction(errand, on: self)
        let isReused = transactions > 0
        if isReused { stopwatch = Stopwatch() }
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
            return .found(
                "the next hop does not take SMTPUTF8 mail",
                HopReply.lacksSMTPUTF8,
                host: target.label
            )
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
struct Transaction {
    let errand: Errand
    let conversation: Conversation
    var carriage: Carriage
    var decided: [Outcome?]
    private var condition: String?
    var phase = Phase.mail
    /// The reply to MAIL, where it did not accept.
    var refusal: HopReply?
    private var isStale = false
    private var response = AttemptReport.Response.good
    var isPassedOver = false
    private var contentTrouble: String?

    init(_ errand: Errand, on conversation: Conversation) {
        self.errand = errand
        self.conversation = conversation
        carriage = Carriage(
            errand.first,
            to: conversation.capabilities,
            returningTo: conversation.returnPath
        )
        decided = Array(repeating: nil, count: errand.recipients.count)
    }

    var report: AttemptReport {
        let host = conversation.target.label
        let undecided = Outcome.deferred(.found("not attempted", "4.4.2", host: host))
        var report = AttemptReport(outcomes: decided.map { $0 ?? undecided }, condition: condition)
        report.isStale = isStale
        report.isPassedOver = isPassedOver
        report.facts = conversation.facts(upTo: phase)
        report.response = response
        report.phase = phase
        report.handsOnReports = conversation.capabilities.dsn
        report.contentTrouble = contentTrouble
        return report
    }

    mutating func run(_ content: () -> ContentFeed) async throws(LostConversation) {
        // Read before MAIL: content that cannot be read is found while it costs nothing.
        let content = try await feed(from: content)
        let start = try await piece(of: content)
        if conversation.needsReset { try await reset() }
        guard try await offerEnvelope() else { return }
        if carriage.isChunked {
            guard try await sendChunks(of: content, from: start) else { return }
        } else {
            try await send(content, from: start)
        }
        conversation.stopwatch.lap(.content)
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
        response = loss.isOwnFault ? .nothing : .strained
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

// MARK: - Decisions

extension Transaction {
    /// Accepted and not yet decided.
    var hasAccepted: Bool { decided.contains { $0 == nil } }

    mutating func note(_ reply: HopReply, on index: Int) {
        if reply.isOverload { response = .strained }
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

    mutating func settle(by reply: HopReply, in phase: Phase) {
        if reply.isOverload { response = .strained }
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
