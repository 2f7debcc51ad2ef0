import Mail
import Net
import Store

/// Carries errands of one route, one after the other, over a connection that it keeps while it can.
/// Held by one worker.
final class Courier {
    let manners: Manners
    private let surroundings: Surroundings
    private let health: HealthBook
    private let content: (MessageKey) -> ContentFeed
    private var conversation: Conversation?
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

    var isConnected: Bool { conversation?.isOpen ?? false }

    /// One attempt, from connecting if need be to the reply after the final dot. A kept connection
    /// that turns out to be gone is replaced once, and that is no failure.
    func carry(_ errand: Errand) async -> AttemptReport {
        if let limit = manners.route.limits.messageSize, errand.first.octets > limit {
            let text = "\(errand.first.octets) octets; this route takes at most \(limit)"
            return AttemptReport(all: .failed(.found(text, "5.3.4")), of: errand)
        }
        if let kept = await keptConversation(for: errand) {
            let report = await transact(errand, on: kept)
            if !report.isStale { return report }
            await hangUp()
        }
        do throws(HopFailure) {
            let opened = try await open(for: errand)
            conversation = opened
            return await transact(errand, on: opened)
        } catch {
            return report(of: error, on: errand)
        }
    }

    func hangUp() async {
        await conversation.take()?.quit()
    }

    private func transact(_ errand: Errand, on conversation: Conversation) async -> AttemptReport {
        let report = await conversation.transact(errand, content: feed(of: errand))
        if !conversation.isOpen
            || conversation.transactions >= manners.route.limits.messagesPerConnection
        {
            await hangUp()
        }
        return report
    }

    private func feed(of errand: Errand) -> ContentFeed {
        errand.fresh.map { ContentFeed(whole: $0) } ?? content(errand.first.key.message)
    }

    private func keptConversation(for errand: Errand) async -> Conversation? {
        guard let conversation, conversation.isOpen else { return nil }
        if let domain, domain != errand.first.mailbox.domain {
            await hangUp()
            return nil
        }
        return conversation
    }

    private func report(of failure: HopFailure, on errand: Errand) -> AttemptReport {
        var report = AttemptReport(
            all: failure.scope == .domain ? .failed(failure.reply) : .deferred(failure.reply),
            of: errand
        )
        report.phase = failure.phase
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
    private func open(for errand: Errand) async throws(HopFailure) -> Conversation {
        let hosts = try await hosts(for: errand.first.mailbox.domain)
        var last: HopFailure?
        for host in hosts {
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

// MARK: - Looking up

extension Courier {
    private func addresses(of host: HostPort) async throws(HopFailure) -> [SocketAddress] {
        if let address = SocketAddress(ip: host.host, port: host.port) { return [address] }
        do throws(ResolverError) {
            return try await surroundings.addresses(host.host, manners.limits.resolve)
                .compactMap { SocketAddress(ip: $0, port: host.port) }
        } catch {
            throw .unresolved("\(host.host): \(error.inWords)", host)
        }
    }

    /// RFC 5321 §5.1: by preference, in random order where equal; the domain itself where it has no MX.
    private func exchangers(of domain: String) async throws(HopFailure) -> [HostPort] {
        if let literal = HostPort(addressLiteral: domain) { return [literal] }
        let found: [Surroundings.Exchanger]
        do throws(ResolverError) {
            found = try await surroundings.exchangers(domain, manners.limits.resolve)
        } catch .noData {
            return [HostPort(host: domain)]
        } catch .noSuchName {
            throw .noDomain("the domain \(domain) does not exist", "5.1.2")
        } catch {
            throw .unresolved("MX of \(domain): \(error.inWords)", HostPort(host: domain))
        }
        guard !found.isEmpty else { return [HostPort(host: domain)] }
        if found.count == 1, found[0].host.isEmpty || found[0].host == "." {
            throw .noDomain("\(domain) accepts no mail", "5.1.10")  // RFC 7505 §4.2
        }
        return try inOrder(found, of: domain)
    }

    private func inOrder(
        _ found: [Surroundings.Exchanger],
        of domain: String
    ) throws(HopFailure) -> [HostPort] {
        let ranked = found.map {
            (rank: $0.preference, chance: surroundings.chance(), host: $0.host)
        }
        .sorted { ($0.rank, $0.chance) < ($1.rank, $1.chance) }
        // Where we are an exchanger ourselves, only better ones come before us: RFC 5321 §5.1.
        let own = manners.route.helloName.lowercased()
        let ourRank = ranked.first { $0.host.lowercased() == own }?.rank
        let better = ranked.filter { rank, _, _ in ourRank.map { rank < $0 } ?? true }
        guard !better.isEmpty else {
            throw .noDomain("the mail for \(domain) would come back to this host", "5.4.6")
        }
        return better.map { HostPort(host: $0.host) }
    }
}

extension HostPort {
    /// `[192.0.2.1]` or `[IPv6:2001:db8::1]` (RFC 5321 §4.1.3); nil for a domain.
    fileprivate init?(addressLiteral domain: String) {
        guard domain.hasPrefix("["), domain.hasSuffix("]") else { return nil }
        let inner = domain.dropFirst().dropLast()
        let isV6 = inner.lowercased().hasPrefix("ipv6:")
        self.init(host: String(isV6 ? inner.dropFirst(5) : inner))
    }
}

extension HopFailure {
    fileprivate static func unroutable(_ text: String) -> HopFailure {
        HopFailure(phase: .resolve, scope: .route, reply: .found(text, "4.4.4"))
    }

    fileprivate static func unresolved(_ text: String, _ host: HostPort) -> HopFailure {
        HopFailure(
            phase: .resolve,
            scope: .host,
            reply: .found(text, "4.4.3", host: host.description)
        )
    }

    fileprivate static func noDomain(_ text: String, _ enhanced: String) -> HopFailure {
        HopFailure(phase: .resolve, scope: .domain, reply: .found(text, enhanced))
    }
}

extension ResolverError {
    fileprivate var inWords: String {
        switch self {
        case .noSuchName: "no such name"
        case .noData: "no address"
        case .serverFailure: "the name server failed"
        case .timedOut: "the name server did not answer"
        }
    }
}

extension Route.Hop {
    var isSmart: Bool { if case .smartHosts = self { true } else { false } }
}
