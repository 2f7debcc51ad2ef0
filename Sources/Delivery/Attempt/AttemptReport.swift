import Mail
import Store

/// What one attempt made of its recipients, in their order.
struct AttemptReport: Sendable, Equatable {
    var outcomes: [Outcome]
    /// Set when the route is at fault: it rests, and this is why.
    var condition: String?
    /// When the route may be tried again, where that is known.
    var restUntil: Timestamp?
    /// A reused connection was gone before anything was said on it: nothing was attempted.
    var isStale = false
    /// MAIL was not accepted, and not for good: nothing was taken, and another host may take it all.
    var isPassedOver = false
    /// What it says about the host's strength, whatever became of the mail.
    var response = Response.nothing
    /// How many conversations the host bears, where it said so.
    var room: Int?
    /// The host had as many conversations as it bears: nothing was attempted.
    var isCrowdedOut = false
    /// Of the conversation, for the record; nil where none was begun.
    var facts: AttemptFacts?
    var phase = Phase.resolve
    /// What the sender asked of reports went along: from here on the next hop reports.
    var handsOnReports = false
    /// Why the mail's content could not be read.
    var contentTrouble: String?

    /// A conversation was opened: the route works, whatever became of the mail.
    var hasReachedHop: Bool { Phase.allCases.firstIndex(of: phase) ?? 0 >= Self.firstOfMail }
    private static let firstOfMail = Phase.allCases.firstIndex(of: .mail) ?? 0

    init(outcomes: [Outcome], condition: String? = nil) {
        self.outcomes = outcomes
        self.condition = condition
    }

    init(all outcome: Outcome, of errand: Errand, condition: String? = nil) {
        self.init(
            outcomes: Array(repeating: outcome, count: errand.recipients.count),
            condition: condition
        )
    }
}

extension AttemptReport {
    enum Response: Sendable, Equatable {
        case nothing
        /// It answered, if only with a refusal.
        case good
        /// It has too much to do, or broke off.
        case strained
        case unreachable
    }

    /// This one, made because another host had passed over the same mail: the route is at fault only
    /// where both say so, and what a host has said tells more than that another could not be reached;
    /// but the one that could not be reached may have what the first one lacks.
    func after(_ refusal: AttemptReport) -> AttemptReport {
        let lacks = refusal.outcomes.contains { outcome in
            if case .failed(let reply) = outcome {
                reply.enhanced == HopReply.lacksSMTPUTF8
            } else {
                false
            }
        }
        var report = hasReachedHop || lacks ? self : refusal
        report.condition = refusal.condition == nil ? nil : condition
        return report
    }
}

/// One message for some of its recipients.
struct Errand: Sendable {
    let recipients: [QueuedRecipient]
    /// The content, where it is still at hand.
    var fresh: [UInt8]?

    var first: QueueEntry { recipients[0].entry }
}
