/// One SMTP conversation, the server's side, as RFC 5321 §3 tells it: bytes in, events out, answers
/// back in. It never waits, reads or writes.
///
/// The driver hands over bytes, then takes events until there are none. An event that asks stops the
/// session until `accept` or `refuse`; commands that were pipelined behind it wait in its buffer.
package struct SMTPServerSession: Sendable {
    enum Phase: Sendable {
        case commands
        /// Between a 334 and its answer.
        case authentication(SMTPAuthentication)
        case content(SMTPContentReader)
        case chunk(SMTPChunk)
        /// After STARTTLS, until TLS is up.
        case handshake
        case over
    }

    /// What the driver has been asked.
    enum Question: Sendable {
        case mail(SMTPMailParameters)
        case recipient
        case data
        case firstChunk(SMTPChunk)
        case endOfContent
        case authentication
    }

    var options: SMTPServerOptions
    var phase = Phase.commands
    var question: Question?
    var input = SMTPLineBuffer()
    var events: [SMTPServerEvent] = []

    /// What the client called itself, with control characters replaced; nil before its hello.
    package internal(set) var helloName: String?
    /// Whether it said EHLO.
    package internal(set) var isExtended = false
    package internal(set) var isSecure: Bool
    package internal(set) var isAuthenticated = false
    var transaction: SMTPTransaction?
    var hasSpoken = false
    /// For `takeHeard`.
    var heard: [String] = []
    var hasHeardAuth = false
    /// What was met so far.
    package internal(set) var quirks: SMTPQuirks = []
    /// How many were given for CRAM-MD5.
    var challenges = 0
    private var protocolErrors = 0
    private var logonFailures = 0

    /// The greeting is the first event. `date` is its time in the form of RFC 5322.
    package init(_ options: SMTPServerOptions, date: String) {
        self.options = options
        isSecure = options.isSecure
        reply(options.greeting(date: date))
    }

    package mutating func receive(_ bytes: Span<UInt8>) {
        switch phase {
        case .handshake, .over: break
        case .content: readContent(bytes)
        case .chunk: readChunk(bytes)
        case .commands, .authentication: input.append(bytes)
        }
    }

    /// The next event; nil until more bytes or an answer arrive.
    package mutating func next() -> SMTPServerEvent? {
        while events.isEmpty {
            guard question == nil, readLine() else { return nil }
        }
        return events.removeFirst()
    }

    /// TLS is up: what was known of the client is forgotten (RFC 3207 §4.2).
    package mutating func didStartTLS() {
        guard case .handshake = phase else { return }
        phase = .commands
        isSecure = true
        isAuthenticated = false
        helloName = nil
        isExtended = false
        transaction = nil
    }

    /// What the client logged on with no longer holds: it may log on again.
    package mutating func didLoseLogon() {
        isAuthenticated = false
    }
}

/// The driver's answers.
extension SMTPServerSession {
    /// Says yes, in the usual words unless others are given. False when nothing was asked, or when
    /// the session had to refuse after all: a mail whose SIZE is over the limit.
    @discardableResult
    package mutating func accept(_ words: SMTPReply? = nil) -> Bool {
        guard let asked = question else { return false }
        question = nil
        switch asked {
        case .mail(let parameters):
            if let size = parameters.size, let limit = options.messageSize, size > limit {
                reply(.tooLarge)
                return false
            }
            transaction = SMTPTransaction(smtpUTF8: parameters.smtpUTF8, body: parameters.body)
            reply(words ?? .senderOK)
        case .recipient:
            transaction?.recipients += 1
            reply(words ?? .recipientOK)
        case .data:
            reply(words ?? .startMailInput)
            phase = .content(SMTPContentReader())
            // What was pipelined behind DATA is content.
            readContent(input.takeAll().span)
        case .firstChunk(let chunk):
            transaction?.hasChunks = true
            begin(chunk)
        case .endOfContent:
            transaction = nil
            reply(words ?? .ok)
        case .authentication:
            isAuthenticated = true
            reply(words ?? .authenticated)
        }
        return true
    }

    /// Says no. A refused end of content ends the transaction; any other refusal leaves it as it is.
    package mutating func refuse(_ words: SMTPReply) {
        guard let asked = question else { return }
        question = nil
        if case .firstChunk(let chunk) = asked { return begin(chunk.refused(words)) }
        reply(words)
        switch asked {
        case .mail, .data, .firstChunk: break
        case .recipient: transaction?.wasRefusedRecipients = true
        case .endOfContent: transaction = nil
        case .authentication:
            // A 4yz says that nobody could judge, not that the logon failed.
            if words.isPermanent { noteLogonFailure() }
        }
    }
}

/// What the parts of the session say.
extension SMTPServerSession {
    mutating func reply(_ words: SMTPReply) {
        events.append(.reply(spoken(words)))
    }

    /// Enhanced codes belong to an extension (RFC 2034 §2), which may be suppressed.
    private func spoken(_ words: SMTPReply) -> [UInt8] {
        options.offers(.enhancedStatusCodes)
            ? words.octets : SMTPReply(words.code, nil, lines: words.lines).octets
    }

    /// A reply to what the protocol does not allow.
    mutating func reproach(_ words: SMTPReply) {
        reply(words)
        protocolErrors += 1
        if protocolErrors == options.maximumProtocolErrors {
            leave(.tooManyErrors, SMTPReply.tooManyErrors)
        }
    }

    mutating func noteLogonFailure() {
        logonFailures += 1
        if logonFailures == options.maximumLogonFailures {
            leave(.tooManyLogonFailures, SMTPReply.tooManyErrors)
        }
    }

    mutating func ask(_ asked: Question, _ event: SMTPServerEvent) {
        question = asked
        events.append(event)
    }

    mutating func leave(_ farewell: SMTPFarewell, _ words: SMTPReply?) {
        phase = .over
        input.discard()
        events.append(.goodbye(words.map(spoken) ?? [], farewell))
    }

    /// Ends the transaction, if there is one, without a mail.
    mutating func giveUp() {
        guard transaction != nil else { return }
        transaction = nil
        events.append(.reset)
    }

    mutating func beginHandshake() {
        reply(.readyToStartTLS)
        phase = .handshake
        // Anyone on the path may have sent what is already here.
        input.discard()
        events.append(.startTLS)
    }
}
