import Mail
import Net
import Wire

/// One connection to a next hop, from greeting to farewell. Whoever holds it is in the middle of a
/// dialogue: a class, not Sendable, held by one worker.
final class Conversation {
    let target: Target
    let limits: PhaseLimits
    private let connection: Connection
    private var replies = SMTPReplyReader()
    var stopwatch = Stopwatch()
    /// Where reports are to come back to; nil: to the sender of each mail.
    var returnPath: ReturnPath?
    var capabilities = SMTPCapabilities()
    /// Nil where the route signs nothing.
    var signer: MailSigner?
    /// How many transactions it has carried.
    var transactions = 0
    /// A transaction was begun and not ended by content.
    var needsReset = false
    /// What the server calls itself.
    var greetedName: String?
    /// By what the server was known, where that was not the route's doing.
    var proof: Privacy.Proof?
    /// Done once, when it is over.
    var onEnd: (() -> Void)?
    /// False once nothing more can be said.
    private(set) var isOpen = true

    init(_ connection: Connection, to target: Target, limits: PhaseLimits) {
        self.connection = connection
        self.target = target
        self.limits = limits
    }

    deinit { onEnd?() }

    /// What the handshake settled, nil in the clear.
    var tls: TLSFacts? { connection.tls }
    var isPrivate: Bool { connection.tls != nil || isLoopback }

    private var isLoopback: Bool {
        guard let ip = connection.peer.ip else { return connection.peer.isUnix }
        return ip.hasPrefix("127.") || ip == "::1"
    }

    /// QUIT, and a short wait for its answer (RFC 5321 §4.1.1.10).
    func quit() async {
        if isOpen {
            do throws(LostConversation) {
                try await say(.quit, in: .hello, within: limits.quit)
                _ = try await answer(in: .hello, within: limits.quit)
            } catch {
                // It ends here in any case.
            }
        }
        hangUp()
    }

    func hangUp() {
        isOpen = false
        connection.close()
        onEnd.take()?()
    }
}

// MARK: - Words

extension Conversation {
    func ask(
        _ command: SMTPClientCommand,
        in phase: Phase,
        within limit: Duration? = nil
    ) async throws(LostConversation) -> HopReply {
        try await say(command, in: phase)
        return hopReply(try await answer(in: phase, within: limit ?? limits.command))
    }

    func say(
        _ command: SMTPClientCommand,
        in phase: Phase,
        within limit: Duration? = nil
    ) async throws(LostConversation) {
        try await send(command.octets, in: phase, within: limit ?? limits.command)
    }

    func send(
        _ octets: [UInt8],
        in phase: Phase,
        within limit: Duration
    ) async throws(LostConversation) {
        do throws(StreamError) {
            try await connection.send(octets, within: limit)
        } catch {
            throw lost(in: phase, "\(error)")
        }
    }

    /// The next reply; after an unreadable one or none the conversation is over.
    func answer(in phase: Phase, within limit: Duration) async throws(LostConversation) -> SMTPReply
    {
        while true {
            do throws(SMTPReplyError) {
                if let reply = try replies.next() {
                    stopwatch.lap(phase)
                    if reply.code == 421 { isOpen = false }  // RFC 5321 §3.8: it is closing
                    return reply
                }
            } catch {
                throw lost(in: phase, error.reason)
            }
            let arrived: Void?
            do throws(StreamError) {
                arrived = try await connection.receive(within: limit) { replies.receive($0) }
            } catch {
                throw lost(in: phase, error == .timedOut ? "no reply in time" : "\(error)")
            }
            if arrived == nil { throw lost(in: phase, "connection closed by peer") }
        }
    }

    func hopReply(_ reply: SMTPReply) -> HopReply {
        HopReply(
            code: reply.code,
            enhanced: reply.enhanced,
            text: reply.text,
            host: target.label
        )
    }

    private func lost(in phase: Phase, _ reason: String) -> LostConversation {
        stopwatch.lap(phase)
        hangUp()
        return LostConversation(phase: phase, reason: reason)
    }
}

// MARK: - TLS

extension Conversation {
    /// Whether the server has said something unasked. Behind the 220 to STARTTLS those octets came in
    /// the clear, and anyone on the path may have sent them.
    var hasUnaskedOctets: Bool { replies.hasBufferedOctets }

    func secure(_ privacy: Privacy) async throws(HopFailure) {
        guard let context = privacy.tls else { return }
        proof = privacy.proof
        do throws(StreamError) {
            try await connection.startTLS(
                context,
                serverName: target.host.host,
                identity: privacy.identity,
                within: limits.handshake
            )
            stopwatch.lap(.handshake)
        } catch {
            stopwatch.lap(.handshake)
            hangUp()
            throw HopFailure(
                phase: .handshake,
                scope: .host,
                reply: .found("\(error)", "4.7.5", host: target.label)
            )
        }
    }
}
