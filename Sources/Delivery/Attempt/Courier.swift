import Mail
import Net
import Store

/// Carries errands of one route, one after the other, over a connection that it keeps while it can.
/// Held by one worker.
final class Courier {
    let manners: Manners
    let surroundings: Surroundings
    let health: HealthBook
    private let content: (MessageKey) -> ContentFeed
    private var conversation: Conversation?
    /// The next hops in order, as they were when it was opened.
    var way = Way(hosts: [])
    /// The domain whose exchanger it talks to; nil for a smart host, which takes all.
    private(set) var domain: String?
    /// When its host was last seen to do what it was asked.
    private var lastProgress = Timestamp(milliseconds: 0)

    init(
        _ manners: Manners,
        surroundings: Surroundings,
        health: HealthBook,
        content: @escaping (MessageKey) -> ContentFeed
    ) {
        self.manners = manners
        self.surroundings = surroundings
        self.health = health
        self.content = content
    }

    /// Whether the next errand may go over the connection of the last.
    var isConnected: Bool {
        guard let conversation, conversation.isOpen else { return false }
        return conversation.transactions < manners.route.limits.messagesPerConnection
    }

    /// One attempt, from connecting if need be to the reply after the final dot. A kept connection
    /// that turns out to be gone is replaced once, and that is no failure; a host that does not accept
    /// MAIL is passed over for the next.
    func carry(_ errand: Errand) async -> AttemptReport {
        // What the gateway added does not count: the rules let the mail in without it.
        if let limit = manners.route.limits.messageSize,
            errand.first.octets - Received.allowance > limit
        {
            let text = "\(errand.first.octets) octets; this route takes at most \(limit)"
            return AttemptReport(all: .failed(.found(text, "5.3.4")), of: errand)
        }
        let outgoing = manners.route.rewrite.map { errand.rewritten(by: $0) } ?? errand
        var report = await carryToAnyHost(outgoing)
        // What one domain's exchanger says is no condition of a route that serves them all.
        if report.hasReachedHop, !manners.route.hop.isSmart {
            report.condition = nil
        }
        if report.response == .good { noteProgress() }
        return report
    }

    private func carryToAnyHost(_ errand: Errand) async -> AttemptReport {
        var tried: Set<HostPort> = []
        var refusal: AttemptReport?
        while true {
            let report = await carry(errand, passing: tried)
            if report.isStale {
                await hangUp()
            } else if report.isPassedOver, let host = conversation?.target.host,
                way.hosts.contains(where: { $0 != host && !tried.contains($0) })
            {
                part()
                tried.insert(host)
                if let condition = report.condition { noteAilment(of: host, condition) }
                refusal = refusal.map(report.after) ?? report
            } else {
                return refusal.map(report.after) ?? report
            }
        }
    }

    private func carry(_ errand: Errand, passing tried: Set<HostPort>) async -> AttemptReport {
        do throws(HopFailure) {
            let conversation = try await conversation(for: errand, passing: tried)
            return await conversation.transact(errand, content: { feed(of: errand) })
        } catch {
            return report(of: error, on: errand)
        }
    }

    private func noteAilment(of host: HostPort, _ reason: String) {
        health.failed(host, because: reason, at: surroundings.clock(), isProbe: false)
    }

    /// Once a second is enough to tell a busy host from a hung one.
    private func noteProgress() {
        let now = surroundings.clock()
        guard now - lastProgress > .seconds(1), let host = conversation?.target.host else { return }
        lastProgress = now
        health.progressed(host, at: now)
    }

    func hangUp() async {
        await conversation.take()?.quit()
    }

    /// Says goodbye while other work goes on: a host that is slow to answer it keeps nobody waiting.
    func part() {
        guard let conversation = conversation.take() else { return }
        guard let loop = EventLoop.current else { return conversation.hangUp() }
        let parting = Parting(conversation: conversation)
        loop.start { await parting.conversation.quit() }
    }

    private func feed(of errand: Errand) -> ContentFeed {
        let feed = errand.fresh.map { ContentFeed(whole: $0) } ?? content(errand.first.key.message)
        return manners.route.rewrite.map { feed.rewritten(by: $0) } ?? feed
    }

    /// The one that was kept, or a new one. A farewell is said here rather than after the mail, whose
    /// outcome is worth writing first.
    private func conversation(
        for errand: Errand,
        passing tried: Set<HostPort>
    ) async throws(HopFailure) -> Conversation {
        let wanted = errand.first.mailbox.domain
        var known: Way?
        if isConnected, let conversation {
            if domain == nil || domain == wanted { return conversation }
            let found = try await self.way(to: wanted)
            if serves(found) {
                (way, domain) = (found, wanted)
                return conversation
            }
            known = found
        }
        part()
        if tried.isEmpty {
            if let known { way = known } else { way = try await self.way(to: wanted) }
            domain = manners.route.hop.isSmart ? nil : wanted
        }
        let opened = try await open(passing: tried)
        conversation = opened
        return opened
    }

    /// Whether the connection that stands leads where another domain's would: many domains have their
    /// mail at the same hosts.
    private func serves(_ other: Way) -> Bool {
        guard let conversation, other.isAsSafe(as: way) else { return false }
        return other.hosts.first == conversation.target.host
    }

    private func report(of failure: HopFailure, on errand: Errand) -> AttemptReport {
        var report = AttemptReport(
            all: failure.scope == .domain ? .failed(failure.reply) : .deferred(failure.reply),
            of: errand
        )
        report.phase = failure.phase
        report.facts = failure.facts
        switch failure.scope {
        case .domain: report.response = .nothing
        case .route: report.response = .strained
        case .host, .nowhere: report.response = .unreachable
        case .crowd(let room):
            report.response = .strained
            report.room = room
            report.isCrowdedOut = true
        }
        if failure.scope == .route || (failure.scope == .host && manners.route.hop.isSmart) {
            report.condition = failure.reply.words
            report.restUntil = failure.scope == .host ? health.earliestReturn : nil
        }
        return report
    }
}

/// A conversation on its way out. Its courier has let it go and never looks back, and it stays on the
/// loop it was on.
private struct Parting: @unchecked Sendable {
    let conversation: Conversation
}
