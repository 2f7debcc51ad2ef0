import Mail
import Net
import Store

/// Carries errands of one route, one after the other, over a connection that it keeps while it can.
/// Held by one worker.
final class Courier {
    let manners: Manners
    let surroundings: Surroundings
    private let health: HealthBook
    private let content: (MessageKey) -> ContentFeed
    private var conversation: Conversation?
    /// The next hops in order, as they were when it was opened.
    private var hosts: [HostPort] = []
    /// The domain whose exchanger it talks to; nil for a smart host, which takes all.
    private var domain: String?

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
        var report = await carryToAnyHost(errand)
        // What one domain's exchanger says is no condition of a route that serves them all.
        if report.hasReachedHop, !manners.route.hop.isSmart {
            report.condition = nil
        }
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
                hosts.contains(where: { $0 != host && !tried.contains($0) })
            {
                await hangUp()
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

    func hangUp() async {
        await conversation.take()?.quit()
    }

    private func feed(of errand: Errand) -> ContentFeed {
        errand.fresh.map { ContentFeed(whole: $0) } ?? content(errand.first.key.message)
    }

    /// The one that was kept, or a new one. A farewell is said here rather than after the mail, whose
    /// outcome is worth writing first.
    private func conversation(
        for errand: Errand,
        passing tried: Set<HostPort>
    ) async throws(HopFailure) -> Conversation {
        if isConnected, domain == nil || domain == errand.first.mailbox.domain,
            let conversation
        {
            return conversation
        }
        await hangUp()
        let opened = try await open(for: errand, passing: tried)
        conversation = opened
        return opened
    }

    private func report(of failure: HopFailure, on errand: Errand) -> AttemptReport {
        var report = AttemptReport(
            all: failure.scope == .domain ? .failed(failure.reply) : .deferred(failure.reply),
            of: errand
        )
        report.phase = failure.phase
        report.facts = failure.facts
        if failure.scope == .route || (failure.scope == .host && manners.route.hop.isSmart) {
            report.condition = failure.reply.words
            report.restUntil = failure.scope == .host ? health.earliestReturn : nil
        }
        return report
    }
}

// MARK: - Opening

extension Courier {
    /// The first next hop, in order, that can be reached and wants to talk.
    private func open(
        for errand: Errand,
        passing tried: Set<HostPort>
    ) async throws(HopFailure) -> Conversation {
        if tried.isEmpty { hosts = try await hosts(for: errand.first.mailbox.domain) }
        var last: HopFailure?
        for host in hosts where !tried.contains(host) {
            do throws(HopFailure) {
                return try await open(host)
            } catch {
                guard error.scope == .host else { throw error }
                // What was found now says more than what is remembered.
                if last == nil || error.phase != .resolve || last?.phase == .resolve {
                    last = error
                }
            }
        }
        throw last ?? .unroutable("no next hop is configured")
    }

    private func hosts(for recipientDomain: String) async throws(HopFailure) -> [HostPort] {
        switch manners.route.hop {
        case .smartHosts(let hosts):
            domain = nil
            return hosts
        case .mailExchangers:
            domain = recipientDomain
            return try await exchangers(of: recipientDomain)
        case .capture:
            return []
        }
    }

    private func open(_ host: HostPort) async throws(HopFailure) -> Conversation {
        let permission = health.permission(for: host, at: surroundings.clock())
        if case .denied(let ailment) = permission {
            let reply = HopReply.found(ailment.reason, "4.4.1", host: host.description)
            throw HopFailure(phase: .connect, scope: .host, reply: reply)
        }
        do throws(HopFailure) {
            let conversation = try await openAnyAddress(of: host)
            health.succeeded(host)
            return conversation
        } catch {
            if error.scope == .host {
                health.failed(
                    host,
                    because: error.reply.words,
                    at: surroundings.clock(),
                    isProbe: permission == .probe
                )
            } else {
                health.succeeded(host)
            }
            throw error
        }
    }

    private func openAnyAddress(of host: HostPort) async throws(HopFailure) -> Conversation {
        var last: HopFailure?
        for address in try await addresses(of: host) {
            let target = Target(host: host, address: address)
            do throws(HopFailure) {
                return try await open(target)
            } catch {
                guard error.scope == .host else { throw error }
                last = error
            }
        }
        throw last ?? .unresolved("\(host.host) has no address", host)
    }

    /// Under `opportunistic` a handshake that fails costs the privacy, not the mail: once more in the
    /// clear.
    private func open(_ target: Target) async throws(HopFailure) -> Conversation {
        do throws(HopFailure) {
            return try await Conversation.open(to: target, as: manners, in: surroundings)
        } catch {
            guard error.isHandshake, manners.route.security == .opportunistic else { throw error }
            return try await Conversation.open(
                to: target,
                as: manners,
                in: surroundings,
                inClear: true
            )
        }
    }
}
