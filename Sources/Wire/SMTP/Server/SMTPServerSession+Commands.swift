import Mail

/// What each command does (RFC 5321 §4.1.1).
extension SMTPServerSession {
    private static let lineLimit = 2048
    /// RFC 4954 §4, for the responses of AUTH.
    private static let authLineLimit = 12288

    /// Reads one line, if it is whole. False when there is nothing to read.
    mutating func readLine() -> Bool {
        if !hasSpoken, input.beginsWithTLS {
            leave(.speaksTLS, nil)
            return true
        }
        switch phase {
        case .handshake, .over, .content, .chunk: return false
        case .commands:
            let limit = input.begins(with: "AUTH ") ? Self.authLineLimit : Self.lineLimit
            guard let line = input.next(limit: limit) else { return false }
            if input.hasMetBareLineFeed { quirks.insert(.bareLineEnd) }
            hear(line)
            obey(line)
        case .authentication(let exchange):
            guard let line = input.next(limit: Self.authLineLimit) else { return false }
            hear(line)
            phase = .commands
            proceed(exchange, with: line)
        }
        return true
    }

    private mutating func obey(_ line: SMTPLineBuffer.Line) {
        guard case .whole(let octets) = line else { return reproach(.lineTooLong) }
        let command = SMTPCommandLine(octets)
        if !hasSpoken, command.verb == nil, let request = SMTPRequestLine(octets) {
            return leave(.speaksHTTP(request.excerpt), .notSMTP)
        }
        hasSpoken = true
        if options.requiresTLS, !isSecure, command.verb?.isAllowedWithoutTLS != true {
            if command.verb == .bdat, options.offers(.chunking) {
                return chunk(command.argument, refusedWith: .mustStartTLS)
            }
            return command.verb == nil ? reproach(.mustStartTLS) : reply(.mustStartTLS)
        }
        guard let verb = command.verb else { return reproach(.unrecognizedCommand) }
        guard verb.isGreeting || !command.hasControls else { return reproach(.invalidCharacters) }
        obey(verb, command.argument)
    }

    private mutating func obey(_ verb: SMTPVerb, _ argument: ArraySlice<UInt8>) {
        switch verb {
        case .ehlo: greet(argument, isExtended: true)
        case .helo: greet(argument, isExtended: false)
        case .startTLS: startTLS(argument)
        case .auth: authenticate(argument)
        case .mail: mail(argument)
        case .rcpt: recipient(argument)
        case .data: data(argument)
        case .bdat where options.offers(.chunking): chunk(argument)
        case .bdat: reproach(.unrecognizedCommand)
        case .rset:
            giveUp()
            reply(.resetting)
        case .noop: reply(.ok)
        case .quit: leave(.quit, .closing)
        case .vrfy: reply(.cannotVerify)
        case .expn: reproach(.notImplemented)
        case .help: reply(.help)
        }
    }

    /// Any name, and none, is taken: devices do not know theirs.
    private mutating func greet(_ name: ArraySlice<UInt8>, isExtended: Bool) {
        let printable = name.map { $0 < 32 || $0 == 127 ? UInt8(ascii: "?") : $0 }
        helloName = String(decoding: printable, as: UTF8.self)
        if name.isEmpty { quirks.insert(.emptyHello) }
        self.isExtended = isExtended
        giveUp()
        let keywords = isExtended ? options.keywords(isSecure: isSecure) : []
        reply(SMTPReply(250, nil, lines: [options.hello] + keywords))
    }

    private mutating func startTLS(_ argument: ArraySlice<UInt8>) {
        guard !isSecure else { return reproach(.alreadySecure) }
        guard options.offers(.startTLS) else { return reproach(.notImplemented) }
        guard argument.isEmpty else { return reproach(.invalidArguments) }
        beginHandshake()
    }

    private mutating func mail(_ argument: ArraySlice<UInt8>) {
        guard helloName != nil || options.allowsMailWithoutHello else {
            return reproach(.helloFirst)
        }
        if helloName == nil { quirks.insert(.noHello) }
        // A mail that failed among its chunks is over for all but the client's last chunks.
        if transaction?.failure != nil { giveUp() }
        guard transaction == nil else { return reproach(.senderAlreadyGiven) }
        guard let argument = SMTPPathArgument(argument, after: "FROM") else {
            return reproach(.invalidArguments)
        }
        var parameters = SMTPMailParameters()
        for parameter in argument.parameters {
            if let refusal = parameters.note(parameter, offered: options) {
                return reproach(refusal)
            }
        }
        guard let path = argument.reversePath(defaultDomain: options.defaultDomain) else {
            return reply(.invalidSender)
        }
        if case .mailbox(let mailbox) = path, mailbox.needsSMTPUTF8, !parameters.smtpUTF8 {
            return reply(.needsSMTPUTF8)
        }
        ask(.mail(parameters), .mail(path, parameters))
    }

    private mutating func recipient(_ argument: ArraySlice<UInt8>) {
        guard let transaction else { return reproach(.needMail) }
        guard !transaction.hasChunks else { return reproach(.needChunk) }
        guard let argument = SMTPPathArgument(argument, after: "TO") else {
            return reproach(.invalidArguments)
        }
        var parameters = DSNRecipient()
        for parameter in argument.parameters {
            if let refusal = parameters.note(parameter, offered: options) {
                return reproach(refusal)
            }
        }
        // A wrong address is no breach of the protocol: one in a long list must not end the session.
        guard let recipient = argument.recipient else { return reply(.invalidRecipient) }
        if case .mailbox(let mailbox) = recipient, mailbox.needsSMTPUTF8, !transaction.smtpUTF8 {
            return reply(.needsSMTPUTF8)
        }
        if parameters.originalRecipient?.isASCII == false, !transaction.smtpUTF8 {
            return reproach(.invalidArguments)
        }
        ask(.recipient, .recipient(recipient, parameters))
    }

    private mutating func data(_ argument: ArraySlice<UInt8>) {
        guard let transaction else { return reproach(.needMail) }
        // RFC 3030 §2, §3: content is all DATA or all BDAT, and binary content is all BDAT.
        guard !transaction.hasChunks, transaction.body != .binaryMIME else {
            return reproach(.needChunk)
        }
        guard transaction.recipients > 0 else {
            // A client that pipelines cannot know that its recipients were refused (RFC 2920 §3.1).
            return transaction.wasRefusedRecipients
                ? reply(.needRecipient) : reproach(.needRecipient)
        }
        guard argument.isEmpty else { return reproach(.invalidArguments) }
        ask(.data, .data)
    }
}
