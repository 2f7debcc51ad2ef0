import Mail
import Net
import Wire

/// What a route brings to each of its conversations.
struct Manners: Sendable {
    let route: Route
    let limits: PhaseLimits
    var returnPath: ReturnPath?
    /// Nil where the route never speaks TLS.
    let tls: TLSClientContext?
    /// Nil where nobody but the route says whom to trust.
    var trust: TrustShelf?
    /// Nil where the route needs no token.
    var tokens: TokenBroker?
}

extension Route {
    /// How this route speaks TLS; nil when it never does. Throws when its authorities cannot be read.
    func tlsContext() throws(StreamError) -> TLSClientContext? {
        switch security {
        case .none: nil
        case .opportunistic, .required: try tlsContext(.none)
        case .verified, .implicit: try tlsContext(caFile.map { .caFile($0) } ?? .system)
        }
    }

    private func tlsContext(
        _ verification: TLSClientContext.Verification
    ) throws(StreamError) -> TLSClientContext {
        try TLSClientContext(
            verification: verification,
            certificateFile: certificate?.certificateFile,
            keyFile: certificate?.keyFile
        )
    }
}

extension Conversation {
    /// Connects, waits for the greeting, says hello, starts TLS and logs on, as the route wants it.
    /// `inClear`: TLS was tried and failed, and the route may do without.
    static func open(
        to target: Target,
        as manners: Manners,
        _ privacy: Privacy,
        in surroundings: Surroundings,
        inClear: Bool = false
    ) async throws(HopFailure) -> Conversation {
        let stopwatch = Stopwatch()
        let connection = try await connect(to: target, as: manners, in: surroundings, stopwatch)
        let conversation = Conversation(connection, to: target, limits: manners.limits)
        conversation.stopwatch = stopwatch
        conversation.returnPath = manners.returnPath
        conversation.stopwatch.lap(.connect)
        conversation.signer = MailSigner(manners.route.dkim, clock: surroundings.clock)
        do throws(HopFailure) {
            if privacy.level == .implicit { try await conversation.secure(privacy) }
            try await conversation.hearGreeting()
            try await conversation.sayHello(as: manners.route.helloName)
            if privacy.tls != nil, privacy.level != .implicit, !inClear {
                try await conversation.startTLS(privacy, as: manners.route)
            }
            if let credentials = manners.route.credentials {
                try await conversation.logOn(credentials, as: manners, in: surroundings)
            }
            return conversation
        } catch {
            conversation.hangUp()
            var failure = error
            failure.facts = conversation.facts(upTo: error.phase)
            throw failure
        }
    }

    private static func connect(
        to target: Target,
        as manners: Manners,
        in surroundings: Surroundings,
        _ stopwatch: Stopwatch
    ) async throws(HopFailure) -> Connection {
        let source = manners.route.sourceAddress.flatMap { SocketAddress(ip: $0, port: 0) }
        do throws(StreamError) {
            return try await surroundings.connect(target.address, source, manners.limits.connect)
        } catch {
            let text = "connect to \(target.label): \(error.reasonAlone)"
            var stopwatch = stopwatch
            stopwatch.lap(.connect)
            throw HopFailure(
                phase: .connect,
                scope: .host,
                reply: .found(text, "4.4.1", host: target.label),
                facts: AttemptFacts(
                    address: target.address.description,
                    phase: .connect,
                    timings: stopwatch.timings
                )
            )
        }
    }

    private func hearGreeting() async throws(HopFailure) {
        let reply: HopReply
        do throws(LostConversation) {
            reply = hopReply(try await answer(in: .greeting, within: limits.greeting))
        } catch {
            throw failure(error)
        }
        try check(reply, in: .greeting)
    }

    /// EHLO; HELO where it is not understood (RFC 5321 §3.2).
    private func sayHello(as name: String) async throws(HopFailure) {
        let reply = try await exchange(.ehlo(name), in: .hello)
        capabilities = SMTPCapabilities()
        greetedName = reply.lines.first?.split(separator: " ").first.map { String($0) }
        if reply.isPermanent {
            try check(try await heard(.helo(name), in: .hello), in: .hello)
        } else {
            try check(hopReply(reply), in: .hello)
            capabilities = SMTPCapabilities(reply)
        }
    }

    private func startTLS(_ privacy: Privacy, as route: Route) async throws(HopFailure) {
        let isDemanded = privacy.level != .opportunistic
        guard capabilities.startTLS else {
            guard isDemanded else { return }
            throw own(.startTLS, "the next hop does not offer STARTTLS, which this route demands")
        }
        let reply = try await heard(.startTLS, in: .startTLS)
        guard reply.code == 220 else {
            guard isDemanded || !isOpen else { return }
            throw HopFailure(phase: .startTLS, scope: .host, reply: reply)
        }
        guard !hasUnaskedOctets else {
            throw own(.startTLS, "octets in the clear behind the reply to STARTTLS")
        }
        try await secure(privacy)
        // What was offered in the clear is forgotten: RFC 3207 §4.2.
        try await sayHello(as: route.helloName)
    }
}

// MARK: - Failures

extension Conversation {
    func heard(
        _ command: SMTPClientCommand,
        in phase: Phase
    ) async throws(HopFailure) -> HopReply {
        hopReply(try await exchange(command, in: phase))
    }

    func exchange(
        _ command: SMTPClientCommand,
        in phase: Phase
    ) async throws(HopFailure) -> SMTPReply {
        do throws(LostConversation) {
            try await say(command, in: phase)
            return try await answer(in: phase, within: limits.command)
        } catch {
            throw failure(error)
        }
    }

    func check(_ reply: HopReply, in phase: Phase) throws(HopFailure) {
        switch Finding(on: reply, in: phase) {
        case .accepted: return
        case .routeCondition: throw HopFailure(phase: phase, scope: .route, reply: reply)
        case .hostCondition, .deferred, .failed, .again:
            throw HopFailure(phase: phase, scope: .host, reply: reply)
        }
    }

    private func failure(_ loss: LostConversation) -> HopFailure {
        let text = "\(loss.reason) (\(loss.phase.inWords))"
        return HopFailure(
            phase: loss.phase,
            scope: .host,
            reply: .found(text, "4.4.2", host: target.label)
        )
    }

    func own(
        _ phase: Phase,
        _ text: String,
        _ scope: HopFailure.Scope = .host
    ) -> HopFailure {
        HopFailure(phase: phase, scope: scope, reply: .found(text, "4.7.0", host: target.label))
    }
}

extension Phase {
    /// When something happened: "connection closed by peer (waiting for the greeting)".
    var inWords: String {
        switch self {
        case .resolve: "looking up the next hop"
        case .connect: "connecting"
        case .greeting: "waiting for the greeting"
        case .hello: "after EHLO"
        case .startTLS: "after STARTTLS"
        case .handshake: "during the TLS handshake"
        case .authentication: "during AUTH"
        case .mail: "after MAIL"
        case .recipient: "after RCPT"
        case .data: "after DATA"
        case .content: "while sending the content"
        case .afterContent: "after the final dot"
        }
    }
}

extension StreamError {
    /// "connection refused" rather than "connect: connection refused".
    fileprivate var reasonAlone: String {
        let text = description
        return text.hasPrefix("connect: ") ? String(text.dropFirst(9)).lowercased() : text
    }
}
