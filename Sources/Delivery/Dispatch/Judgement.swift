import Mail
import Store

/// What an outcome means for a recipient: what is written, and whether it waits again.
struct Judgement: Sendable {
    let recipient: QueuedRecipient
    /// Nil when nothing is written.
    let settlement: Settlement?
    let next: QueuedRecipient?
}

/// Turns outcomes into judgements, by the settings of the moment.
struct Judge: Sendable {
    let settings: DeliverySettings
    var uncertainties: [ApplicationID: DeliverySettings.Uncertainty] = [:]
    var escalating: Set<ApplicationID> = []
    let now: Timestamp
    /// Even in 0..<1, the same for all recipients of an errand: they come back together.
    let chance: Double

    func judge(_ errand: Errand, _ report: AttemptReport) -> [Judgement] {
        let circumstances = Circumstances(
            facts: report.facts?.members,
            handsOnReports: report.handsOnReports
        )
        return zip(errand.recipients, report.outcomes).map { judge($0, $1, circumstances) }
    }

    /// What all recipients of an attempt have in common.
    private struct Circumstances {
        let facts: String?
        /// The next hop reports from here on.
        let handsOnReports: Bool
    }

    private func judge(
        _ recipient: QueuedRecipient,
        _ outcome: Outcome,
        _ facts: Circumstances
    ) -> Judgement {
        let attempts = recipient.entry.attempts + 1
        switch outcome {
        case .again:
            return Judgement(recipient: recipient, settlement: nil, next: recipient)
        case .relayed(let reply):
            return settle(recipient, as: .relayed, attempts, reply, facts)
        case .failed(let reply):
            return settle(recipient, as: .failed, attempts, reply, facts)
        case .deferred(let reply):
            let deadline = recipient.next.deadline(after: settings.expireAfter)
            guard deadline > now else {
                return settle(recipient, as: recipient.end, attempts, reply, facts)
            }
            let wait = settings.retry.wait(afterAttempt: attempts, chance: chance)
            let due = min(now + wait, deadline)
            return settle(
                recipient,
                as: recipient.delay,
                attempts,
                reply,
                facts,
                until: due,
                told: .deferred
            )
        case .uncertain(let reply):
            let policy = settings.uncertainty(of: recipient.entry, unless: uncertainties)
            let due = policy == .retry ? now + settings.uncertainWait : nil
            return settle(recipient, as: .uncertain, attempts, reply, facts, until: due)
        }
    }

    /// Too old to be tried; the last reply stays as it is.
    func expire(_ recipient: QueuedRecipient) -> Judgement {
        settle(recipient, as: recipient.end, recipient.entry.attempts, nil, nil)
    }

    /// Kept where mail is kept instead of being sent.
    func capture(_ recipient: QueuedRecipient) -> Judgement {
        let reply = HopReply(code: 250, enhanced: "2.0.0", text: "captured", host: "capture")
        return settle(recipient, as: .delivered, recipient.entry.attempts + 1, reply, nil)
    }

    private func settle(
        _ recipient: QueuedRecipient,
        as status: RecipientStatus,
        _ attempts: Int,
        _ reply: HopReply?,
        _ facts: Circumstances?,
        until due: Timestamp? = nil,
        told event: RecipientStatus? = nil
    ) -> Judgement {
        let settlement = Settlement(
            key: recipient.entry.key,
            status: status,
            attempts: attempts,
            due: due,
            reply: reply.map {
                NextHopReply(
                    code: $0.code,
                    enhanced: $0.enhanced,
                    text: $0.text,
                    host: $0.host,
                    at: now
                )
            },
            at: now,
            event: event?.name,
            route: recipient.entry.route,
            detail: detail(status, reply),
            facts: members(reply, facts?.facts),
            report: settings.report(
                on: recipient.entry,
                as: status,
                handsOn: facts?.handsOnReports ?? false
            ),
            escalates: escalates(recipient.entry, as: status)
        )
        return Judgement(
            recipient: recipient,
            settlement: settlement,
            next: due.map { recipient.waiting(as: status, attempts: attempts, until: $0) }
        )
    }

    /// What is no text: the reply's code, a number as everywhere, and what is known of the attempt.
    private func members(_ reply: HopReply?, _ facts: String?) -> String? {
        guard let reply, reply.code != 0 else { return facts }
        let code = "\"code\":\(reply.code)"
        return facts.map { "\(code),\($0)" } ?? code
    }

    private func detail(_ status: RecipientStatus, _ reply: HopReply?) -> [(String, String)] {
        guard let reply else {
            return switch status {
            case .expired: [("enhanced", "4.4.7"), ("text", "the message expired")]
            case .uncertain:
                [("text", "too old to be sent again, and the next hop may have the message")]
            default: []
            }
        }
        var detail: [(String, String)] = []
        if let enhanced = reply.enhanced { detail.append(("enhanced", enhanced)) }
        detail.append(("text", reply.text))
        if !reply.host.isEmpty { detail.append(("host", reply.host)) }
        if status != .relayed, status != .delivered {
            let kind = BounceClass(code: reply.code, enhanced: reply.enhanced, text: reply.text)
            detail.append(("class", kind.rawValue))
        }
        return detail
    }
}

extension QueuedRecipient {
    /// Once uncertain it stays so, until a next hop says what became of it: that another attempt came
    /// to nothing does not tell what became of the first.
    fileprivate var delay: RecipientStatus {
        entry.status == .uncertain ? .uncertain : .deferred
    }

    /// What it is when its time is over.
    fileprivate var end: RecipientStatus { entry.status == .uncertain ? .uncertain : .expired }

    /// As it counts after this attempt: whoever was forced had its one.
    fileprivate var next: QueuedRecipient {
        waiting(as: entry.status, attempts: entry.attempts + 1, until: entry.due)
    }
}
