import Net

extension Courier {
    /// A conversation with the first next hop, in order, that can be reached and wants to talk.
    func open(passing tried: Set<HostPort>) async throws(HopFailure) -> Conversation {
        var last: HopFailure?
        for host in way.hosts.prefix(Way.mostHosts) where !tried.contains(host) {
            do throws(HopFailure) {
                return try await open(host)
            } catch {
                switch error.scope {
                case .route, .domain: throw error
                // The next smart host is for when this one fails, not for when it is busy.
                case .crowd where manners.route.hop.isSmart: throw error
                case .host, .nowhere, .crowd: last = HopFailure.weightier(last, error)
                }
                // Who is further down the list than we are is reached through us: RFC 5321 §5.1.
                if error.isLoop { break }
            }
        }
        throw last.map(verdict) ?? .unroutable("no next hop is configured")
    }

    /// RFC 5321 §5.1: a domain of which no exchanger exists gets no mail, and never will by waiting.
    private func verdict(on last: HopFailure) -> HopFailure {
        guard !manners.route.hop.isSmart, last.scope == .nowhere else { return last }
        return .noDomain(last.reply.text, last.isLoop ? "5.4.6" : "5.4.4")
    }

    private func open(_ host: HostPort) async throws(HopFailure) -> Conversation {
        let permission = health.permission(for: host, at: surroundings.clock())
        switch permission {
        case .healthy, .probe: break
        case .full(let room): throw .crowd(at: host, room)
        case .denied(let ailment):
            let reply = HopReply.found(ailment.reason, "4.4.1", host: host.description)
            throw HopFailure(phase: .connect, scope: .host, reply: reply)
        }
        health.approached(host, at: surroundings.clock())
        do throws(HopFailure) {
            let conversation = try await openAnyAddress(of: host)
            health.succeeded(host)
            health.settled(host, hasBegun: true, at: surroundings.clock())
            conversation.onEnd = { [health] in health.ended(host) }
            return conversation
        } catch {
            let failure = learn(from: error, of: host, wasProbe: permission == .probe)
            health.settled(host, hasBegun: false, at: surroundings.clock())
            throw failure
        }
    }

    /// Keeps in mind what a failure says about the host.
    private func learn(
        from failure: HopFailure,
        of host: HostPort,
        wasProbe: Bool
    ) -> HopFailure {
        let now = surroundings.clock()
        guard failure.scope == .host else {
            if failure.scope != .nowhere { health.succeeded(host) }
            return failure
        }
        if failure.isOfDomain { return failure }
        let isSpoken = failure.reply.code != 0
        if failure.isRefusalToTalk,
            let room = health.crowd(at: host, inWords: isSpoken, at: now)
        {
            return .crowd(at: host, room)
        }
        health.failed(host, because: failure.reply.words, at: now, isProbe: wasProbe)
        return failure
    }

    private func openAnyAddress(of host: HostPort) async throws(HopFailure) -> Conversation {
        let found = try await addresses(of: host)
        let privacy = try await privacy(for: host, found)
        var last: HopFailure?
        for address in found.places.prefix(Way.mostAddresses) {
            let target = Target(host: host, address: address)
            do throws(HopFailure) {
                return try await open(target, privacy)
            } catch {
                guard error.scope == .host else { throw error }
                last = error
            }
        }
        throw last ?? .nowhere("\(host.host) has no address", host)
    }

    /// Under `opportunistic` a handshake that fails costs the privacy, not the mail: once more in the
    /// clear.
    private func open(
        _ target: Target,
        _ privacy: Privacy
    ) async throws(HopFailure) -> Conversation {
        let conversation: Conversation
        do throws(HopFailure) {
            conversation = try await Conversation.open(
                to: target,
                as: manners,
                privacy,
                in: surroundings
            )
        } catch {
            guard error.isHandshake, privacy.level == .opportunistic else {
                throw error.isPrivacy && privacy.proof != nil ? error.ofDomain : error
            }
            conversation = try await Conversation.open(
                to: target,
                as: manners,
                privacy,
                in: surroundings,
                inClear: true
            )
        }
        guard isOurself(conversation) else { return conversation }
        await conversation.quit()
        throw .loop("\(target.label) is this host itself", target.host)
    }

    /// An exchanger that greets by our own name is us, under an address that we did not know of.
    private func isOurself(_ conversation: Conversation) -> Bool {
        guard !manners.route.hop.isSmart, let name = conversation.greetedName else { return false }
        return name.lowercased() == manners.route.helloName.lowercased()
    }
}

extension HopFailure {
    /// Of two, the one that says more: what was found now more than what is remembered, a host that
    /// may come back more than one that does not exist.
    fileprivate static func weightier(_ first: HopFailure?, _ second: HopFailure) -> HopFailure {
        guard let first else { return second }
        if first.scope == .nowhere || second.scope == .nowhere {
            return second.scope == .nowhere ? first : second
        }
        return second.phase != .resolve || first.phase == .resolve ? second : first
    }

    /// It did not come to words, or not to kind ones.
    fileprivate var isRefusalToTalk: Bool {
        [.connect, .greeting, .hello].contains(phase)
    }

    fileprivate var isPrivacy: Bool { phase == .startTLS || phase == .handshake }

    /// The same, of no concern to other domains' mail.
    fileprivate var ofDomain: HopFailure {
        var failure = self
        failure.isOfDomain = true
        return failure
    }

    fileprivate static func crowd(at host: HostPort, _ room: Int) -> HopFailure {
        let text = "\(host) takes no more than \(room) connections"
        return HopFailure(
            phase: .connect,
            scope: .crowd(room),
            reply: .found(text, "4.4.5", host: host.description)
        )
    }
}
