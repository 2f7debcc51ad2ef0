import Mail
import Net
import Policy
import Store
import Wire

/// One SMTP connection, in the order RFC 5321 §3 tells it. The session knows the protocol, the
/// desk knows the rules; this brings the two together.
final class SMTPConversation {
    private let stream: Connection
    private let gateway: Gateway
    private let tls: TLSServerContext?
    private var client: Client
    private var identity: Identity?
    private var session: SMTPServerSession
    private var transaction: SMTPTransactionFacts?
    /// Replies not sent yet: those to pipelined commands go out together.
    private var replies: [UInt8] = []
    private let end: ContinuousClock.Instant?

    init(
        _ stream: Connection,
        gateway: Gateway,
        connector: ReceiveConnector,
        peer: IPAddress,
        tls: TLSServerContext?
    ) {
        self.stream = stream
        self.gateway = gateway
        self.tls = tls
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
        let lifetime = connector.limits.lifetime
        end = lifetime == .zero ? nil : .now + lifetime
    }

    func converse() async throws(StreamError) {
        defer { transaction?.intake?.abandon() }
        while true {
            while let event = session.next() {
                guard try await handle(event) else { return try await flush() }
            }
            try await flush()
            guard try await receive() else { return }
        }
    }

    /// False when the conversation is over.
    private func receive() async throws(StreamError) -> Bool {
        let inactivity = client.connector.limits.inactivity
        let rest = end.map { $0 - .now } ?? .seconds(86_400)
        let limit = inactivity == .zero ? rest : min(inactivity, rest)
        do throws(StreamError) {
            let received: Void? = try await stream.receive(
                within: limit,
                idle: transaction == nil
            ) { session.receive($0) }
            return received != nil
        } catch .timedOut {
            try await say(limit == rest ? .connectionTimedOut : .inputTimedOut)
            return false
        } catch .draining {
            try await say(.notAvailable)
            return false
        }
    }

    private func say(_ reply: SMTPReply) async throws(StreamError) {
        replies += reply.octets
        gateway.metrics.count(.smtp, status: reply.code)
        try await flush()
    }

    private func flush() async throws(StreamError) {
        guard !replies.isEmpty else { return }
        let octets = replies
        replies.removeAll(keepingCapacity: true)
        try await stream.send(octets, within: .seconds(60))
    }

    private func handle(_ event: SMTPServerEvent) async throws(StreamError) -> Bool {
        switch event {
        case .reply(let octets): replies += octets
        case .mail(let sender, let parameters): return begin(sender, parameters)
        case .recipient(let recipient): add(recipient)
        case .data: startContent()
        case .content(let octets): await take(octets)
        case .contentTooLarge: dropTransaction()
        case .endOfContent: await finishContent()
        case .authenticate(let credentials): await authenticate(credentials)
        case .startTLS: return try await startTLS()
        case .goodbye(let octets, let farewell):
            replies += octets
            if let diagnosis = farewell.diagnosis { note(diagnosis) }
            return false
        }
        return true
    }

    private func note(_ diagnosis: String) {
        gateway.log.warning(
            diagnosis,
            ["connector": client.connector.name, "peer": client.peer.description]
        )
    }

    private func dropTransaction() {
        transaction?.intake?.abandon()
        transaction = nil
    }

    // MARK: Envelope

    /// Rules 2, 3, 4, and what of 6 is known at MAIL. False when the client is sent away.
    private func begin(_ sender: ReversePath, _ parameters: SMTPMailParameters) -> Bool {
        dropTransaction()
        let rules = gateway.configuration.rulebook
        var findings = [rules.examineTLS(client), rules.examineSubmit(client)]
        findings.append(rules.examineSender(sender, of: client))
        if let size = parameters.size { findings.append(rules.examineSize(size, of: client)) }
        if let refusal = findings.lazy.compactMap(\.refusal).first {
            refuse(refusal.reply, at: "MAIL", sender.description)
            return true
        }
        guard isWithinRates() else {
            refuse(.rateExceeded, at: "MAIL", sender.description)
            return false
        }
        transaction = SMTPTransactionFacts(sender: sender, parameters: parameters)
        if !session.accept() { transaction = nil }
        return true
    }

    private func isWithinRates() -> Bool {
        let now = gateway.clock()
        if let quota = client.connector.limits.messagesPerMinute {
            let name = "\(client.connector.name):\(client.peer)"
            let (isAllowed, _) = gateway.rates.take(1, of: name, perMinute: quota, at: now)
            guard isAllowed else { return false }
        }
        if let record = identity?.application, let quota = record.rate {
            let name = record.id.description
            return gateway.rates.take(1, of: name, perMinute: quota, at: now).isAllowed
        }
        return true
    }

    /// Rules 5, 6 and 7 at RCPT.
    private func add(_ recipient: SMTPRecipient) {
        guard let mailbox = gateway.configuration.mailbox(for: recipient, at: stream.local.ip)
        else {
            refuse(Reply(550, "5.1.1", "User unknown"), at: "RCPT", "\(recipient)")
            return
        }
        let rules = gateway.configuration.rulebook
        let count = (transaction?.recipients.count ?? 0) + 1
        let octets = transaction?.parameters.size ?? 0
        let findings = [
            rules.examineCount(ofRecipients: count, of: client),
            rules.examineRecipient(mailbox, of: client),
            rules.examineRoute(to: mailbox, from: client, octets: octets).finding,
        ]
        if let refusal = findings.lazy.compactMap(\.refusal).first {
            refuse(refusal.reply, at: "RCPT", mailbox.description)
            return
        }
        if transaction?.recipients.contains(mailbox) == false {
            transaction?.recipients.append(mailbox)
        }
        session.accept()
    }

    private func refuse(_ reply: Reply, at command: String, _ subject: String) {
        session.refuse(SMTPReply(reply))
        gateway.metrics.countRefused(.smtp)
        gateway.log.info(
            "refused",
            [
                "connector": client.connector.name, "peer": client.peer.description,
                "at": command, "subject": subject,
                "reply": "\(reply.code) \(reply.enhanced) \(reply.text)",
            ]
        )
    }

    // MARK: Content

    private func startContent() {
        transaction?.intake = RawMailIntake(
            store: gateway.store,
            headerLimit: client.connector.limits.headerSize
        )
        session.accept()
    }

    /// A failure of the store is told at the end of the content: SMTP has no word for it before.
    private func take(_ octets: [UInt8]) async {
        guard let intake = transaction?.intake, transaction?.failure == nil else { return }
        do throws(StoreError) {
            try await intake.receive(octets)
        } catch {
            transaction?.failure = error
        }
    }

    private func finishContent() async {
        guard let facts = transaction, let intake = facts.intake else {
            session.refuse(.insufficientResources)
            return
        }
        transaction = nil
        do throws(StoreError) {
            if let failure = facts.failure { throw failure }
            if intake.isHeaderOversize {
                session.refuse(SMTPReply(552, "5.3.4", "Message header exceeds the limit"))
            } else {
                try await hand(in: facts, try await intake.finish())
            }
        } catch {
            intake.abandon()
            gateway.log.error(
                "mail not kept",
                ["peer": client.peer.description, "reason": "\(error)"]
            )
            session.refuse(.insufficientResources)
        }
    }

    private func hand(
        in facts: SMTPTransactionFacts,
        _ mail: RawMail
    ) async throws(StoreError) {
        let arrival = SMTPArrival(
            client: client,
            facts: facts,
            mail: mail,
            helo: session.helloName,
            isExtended: session.isExtended,
            isAuthenticated: identity != nil,
            comment: stream.peerCredentials.map { "uid \($0.uid)" } ?? stream.tls?.version
        )
        let configuration = gateway.configuration
        let offer = arrival.offer(
            at: gateway.clock(),
            hostname: configuration.hostname,
            postmaster: configuration.postmaster
        )
        switch offer {
        case .failure(let reply):
            refuse(reply, at: "DATA", facts.sender.description)
        case .success(let offer):
            try await take(offer, key: SMTPIdempotency(facts, mail, client))
        }
    }

    private func take(_ offer: Offer, key: SMTPIdempotency?) async throws(StoreError) {
        if let key, !gateway.idempotencyKeys.begin(key.key, in: key.scope) {
            return refuse(.keyInUse, at: "DATA", offer.id.description)
        }
        defer { if let key { gateway.idempotencyKeys.end(key.key, in: key.scope) } }
        let reply = SMTPReply.queued(
            messageID: offer.details.headerMessageID,
            internalID: offer.id.description,
            hostname: gateway.configuration.hostname
        )
        let outcome = try await gateway.desk.take([offer]) { _ in
            key?.claim(answering: reply, at: offer.createdAt)
        }
        switch outcome {
        case .kept(let receipts):
            gateway.noteAccepted(receipts, .smtp)
            session.accept(reply)
        case .replayed(let answer):
            session.accept(SMTPReply(250, "2.6.0", String(decoding: answer.body, as: UTF8.self)))
        case .mismatched:
            refuse(.keyReused, at: "DATA", offer.id.description)
        case .refused(let decisions):
            refuse(decisions[0].refusal?.reply ?? .noRoute, at: "DATA", offer.id.description)
        }
    }

    // MARK: Security

    private func authenticate(_ credentials: SMTPCredentials) async {
        do throws(CredentialError) {
            let identity = try gateway.directory.identify(
                credentials.password,
                from: client.peer,
                at: gateway.clock()
            )
            guard let application = identity.application, identity.holds(.send) else {
                throw .invalid
            }
            self.identity = identity
            client.principal = .application(application.applicant)
            session.accept()
        } catch {
            gateway.metrics.countFailedLogon()
            note("logon failed: \(error)")
            let tarpit = client.connector.limits.tarpit
            if tarpit > .zero { _ = await EventLoop.current?.sleep(for: tarpit) }
            session.refuse(.authenticationUnsuccessful)
        }
    }

    private func startTLS() async throws(StreamError) -> Bool {
        try await flush()
        guard let tls else { return false }
        do throws(StreamError) {
            try await stream.startTLS(tls, within: .seconds(60))
        } catch .tls(let reason) {
            note("TLS handshake failed: \(reason)")
            return false
        }
        dropTransaction()
        identity = nil
        client.principal = .anonymous
        client.isSecure = true
        session.didStartTLS()
        return true
    }
}

/// What has been said of a mail so far.
struct SMTPTransactionFacts {
    let sender: ReversePath
    let parameters: SMTPMailParameters
    var recipients: [Mailbox] = []
    var intake: RawMailIntake?
    var failure: StoreError?
}

extension SMTPReply {
    init(_ reply: Reply) {
        self.init(reply.code, reply.enhanced, reply.text)
    }
}
