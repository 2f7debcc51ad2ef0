import Mail
import Net
import Policy
import Store
import Wire

/// One SMTP connection, in the order RFC 5321 §3 tells it. The session knows the protocol, the
/// desk knows the rules; this brings the two together.
final class SMTPConversation {
    let stream: Connection
    let gateway: House
    let tls: TLSServerContext?
    var client: Client
    /// Where the client's connector was last looked up.
    var configuration: Configuration
    var identity: Identity?
    /// Until one goes well: what follows may not be what the client means it to be.
    var hasFailedLogon = false
    var session: SMTPServerSession
    var transaction: SMTPTransactionFacts?
    /// Replies not sent yet: those to pipelined commands go out together.
    var replies: [UInt8] = []
    var visit: SMTPVisit
    let end: ContinuousClock.Instant?

    init(
        _ stream: Connection,
        gateway: House,
        connector: ReceiveConnector,
        peer: IPAddress,
        port: Int? = nil,
        tls: TLSServerContext?
    ) {
        self.stream = stream
        self.gateway = gateway
        self.tls = tls
        configuration = gateway.configuration
        let isSecure = stream.tls != nil || stream.peer.isUnix
        client = Client(
            connector: connector,
            peer: peer,
            principal: .anonymous,
            isSecure: isSecure
        )
        session = SMTPServerSession(
            gateway.smtpOptions(for: connector, peer: peer, isSecure: isSecure, hasTLS: tls != nil),
            date: gateway.clock().rfc5322
        )
        let remote = stream.endpoint(of: peer, port: port)
        visit = SMTPVisit(from: remote, to: stream.local.description, connector, gateway)
        let lifetime = connector.limits.lifetime
        end = lifetime == .zero ? nil : .now + lifetime
        adoptCertificate()
    }

    func converse() async throws(StreamError) {
        defer {
            transaction?.intake?.abandon()
            endVisit()
        }
        while true {
            while let event = nextEvent() {
                guard try await handle(event) else { return try await leave() }
            }
            try await flush()
            guard try await receive() else { return }
            if visit.beginsWithProxyHeader { return try await refuseProxyHeader() }
        }
    }

    /// Ends the conversation, with the session's last word if it has one.
    private func leave() async throws(StreamError) {
        visit.isEndedHere = true
        if case .reply(let octets)? = nextEvent() { replies += octets }
        try await flush()
        guard !visit.hasQuit else { return }
        // What the client has sent meanwhile must not destroy what it was told.
        await stream.finish(within: .seconds(1))
    }

    /// False when the conversation is over.
    func receive() async throws(StreamError) -> Bool {
        let rest = rest
        let limit = client.connector.limits.patience(within: rest)
        do throws(StreamError) {
            // A client that is never silent must end too.
            guard rest > .zero else { throw .timedOut }
            let received: Void? = try await stream.receive(
                within: limit,
                idle: transaction == nil
            ) { octets in
                visit.look(at: octets)
                session.receive(octets)
            }
            return received != nil
        } catch .timedOut {
            try await say(limit == rest ? .connectionTimedOut : .inputTimedOut)
            return false
        } catch .draining {
            try await say(.notAvailable)
            return false
        }
    }

    /// Of the connection's lifetime.
    var rest: Duration { end.map { $0 - .now } ?? .seconds(86_400) }

    /// The last word, where the session has none.
    func say(_ reply: SMTPReply) async throws(StreamError) {
        visit.isEndedHere = true
        replies += reply.octets
        visit.log?.note(sent: reply.octets)
        gateway.metrics.count(.smtp, status: reply.code)
        try await flush()
    }

    func flush() async throws(StreamError) {
        guard !replies.isEmpty else { return }
        let octets = replies
        replies.removeAll(keepingCapacity: true)
        try await stream.send(octets, within: .seconds(60))
    }

    func handle(_ event: SMTPServerEvent) async throws(StreamError) -> Bool {
        switch event {
        case .reply(let octets): replies += octets
        case .mail(let sender, let parameters): return begin(sender, parameters)
        case .recipient(let recipient, let parameters): add(recipient, parameters)
        case .data: startContent()
        case .content(let octets): await take(octets)
        case .contentTooLarge:
            noteRefused(.messageTooLarge, at: "DATA", transaction?.sender.description ?? "")
            dropTransaction()
        case .reset: dropTransaction()
        case .endOfContent: return await finishContent()
        case .authenticate(let credentials):
            // What was answered before must not wait for this one's tarpit.
            try await flush()
            defer { noteLogon(by: credentials.mechanism) }
            return await authenticate(credentials)
        case .startTLS: return try await startTLS()
        case .goodbye(let octets, let farewell):
            replies += octets
            if let diagnosis = farewell.diagnosis { note(diagnosis) }
            visit.hasQuit = farewell == .quit
            return false
        }
        return true
    }

    func note(_ diagnosis: String) {
        visit.log?.note(.note, diagnosis)
        gateway.log.warning(
            diagnosis,
            ["connector": client.connector.name, "peer": client.peer.description]
        )
    }

    func dropTransaction() {
        transaction?.intake?.abandon()
        transaction = nil
    }
}

/// What has been said of a mail so far.
struct SMTPTransactionFacts {
    let sender: ReversePath
    let parameters: SMTPMailParameters
    var recipients: [Mailbox] = []
    var reports: [Mailbox: DSNRecipient] = [:]
    /// The mails of ours that it is about: its recipients are return addresses, each with a right MAC.
    var reportedMessages: [MessageID] = []
    var intake: RawMailIntake?
    var failure: StoreError?
}

extension SMTPTransactionFacts {
    /// For nobody else than ourselves.
    var isReport: Bool { !reportedMessages.isEmpty && recipients.isEmpty }
}

extension SMTPReply {
    init(_ reply: Reply) {
        self.init(reply.code, reply.enhanced, reply.text)
    }
}
