import Mail

/// Where an AUTH exchange stands: what the next line answers.
enum SMTPAuthentication: Sendable {
    case plain
    case loginUsername
    case loginPassword(username: String)
    case cramMD5(challenge: String)
}

/// AUTH (RFC 4954) with PLAIN (RFC 4616), CRAM-MD5 (RFC 2195) and LOGIN, the way devices and .NET
/// speak it.
extension SMTPServerSession {
    /// `Username:`
    private static let usernamePrompt = SMTPReply(334, nil, "VXNlcm5hbWU6")
    /// `Password:`
    private static let passwordPrompt = SMTPReply(334, nil, "UGFzc3dvcmQ6")
    private static let emptyPrompt = SMTPReply(334, nil, "")

    mutating func authenticate(_ argument: ArraySlice<UInt8>) {
        guard helloName != nil else { return reproach(.helloFirst) }
        guard !isAuthenticated else { return reproach(.alreadyAuthenticated) }
        guard transaction == nil else { return reproach(.notDuringMail) }
        let words = argument.split(whereSeparator: \.isBlank)
        guard (1...2).contains(words.count) else { return reproach(.invalidArguments) }
        let name = String(decoding: words[0].map(\.uppercasedLetter), as: UTF8.self)
        guard let mechanism = SMTPMechanism(rawValue: name),
            options.mechanisms(isSecure: isSecure).contains(mechanism)
        else { return reproach(.unrecognizedMechanism) }
        begin(mechanism, initialResponse: words.count == 2 ? Array(words[1]) : nil)
    }

    private mutating func begin(_ mechanism: SMTPMechanism, initialResponse: [UInt8]?) {
        let exchange: SMTPAuthentication
        switch mechanism {
        case .plain: exchange = .plain
        case .login: exchange = .loginUsername
        case .cramMD5:
            // The server speaks first: RFC 4954 §4 allows no initial response.
            guard initialResponse == nil else { return reproach(.invalidArguments) }
            return challenge()
        }
        guard let initialResponse else {
            return prompt(mechanism == .plain ? Self.emptyPrompt : Self.usernamePrompt, exchange)
        }
        // RFC 4954 §4: an empty initial response is written as `=`.
        proceed(exchange, with: .whole(initialResponse == [61] ? [] : initialResponse))
    }

    /// Each attempt has a challenge of its own, in the form of a message id (RFC 2195 §2).
    private mutating func challenge() {
        challenges += 1
        let challenge = "<\(challenges).\(options.challengeSeed)@\(options.fqdn)>"
        let text = Base64Encoder.encode(challenge.utf8.span)
        prompt(SMTPReply(334, nil, text), .cramMD5(challenge: challenge))
    }

    private mutating func prompt(_ words: SMTPReply, _ exchange: SMTPAuthentication) {
        reply(words)
        phase = .authentication(exchange)
    }

    /// Takes the client's next response.
    mutating func proceed(_ exchange: SMTPAuthentication, with line: SMTPLineBuffer.Line) {
        guard case .whole(let response) = line else { return reproach(.lineTooLong) }
        if response == [42] { return reproach(.authenticationCanceled) }
        guard let octets = try? Base64Decoder.decode(response.span) else {
            return reproach(.undecodableResponse)
        }
        switch exchange {
        case .plain: judgePlain(octets)
        case .loginUsername:
            let username = String(decoding: octets, as: UTF8.self)
            prompt(Self.passwordPrompt, .loginPassword(username: username))
        case .loginPassword(let username):
            let password = String(decoding: octets, as: UTF8.self)
            ask(.password(mechanism: .login, username: username, password: password))
        case .cramMD5(let challenge): judgeDigest(octets, of: challenge)
        }
    }

    /// `user digest`; a user's name may hold spaces.
    private mutating func judgeDigest(_ octets: [UInt8], of challenge: String) {
        guard let space = octets.lastIndex(of: 32), space > 0 else {
            return reproach(.undecodableResponse)
        }
        let digest = octets[(space + 1)...].map { $0 &- 65 < 6 ? $0 | 32 : $0 }
        guard digest.count == 32, digest.allSatisfy({ $0 &- 48 < 10 || $0 &- 97 < 6 }) else {
            return reproach(.undecodableResponse)
        }
        ask(
            .cramMD5(
                username: String(decoding: octets[..<space], as: UTF8.self),
                challenge: challenge,
                digest: String(decoding: digest, as: UTF8.self)
            )
        )
    }

    /// `authzid NUL authcid NUL password`; some devices put the name into the first field alone.
    private mutating func judgePlain(_ octets: [UInt8]) {
        let fields = octets.split(separator: 0, omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        guard fields.count == 3 else { return reproach(.undecodableResponse) }
        let (identity, username, password) = (fields[0], fields[1], fields[2])
        let isSame = identity.lowercased() == username.lowercased()
        guard identity.isEmpty || username.isEmpty || isSame else {
            return ask(.plain(for: identity, username: username))
        }
        let name = username.isEmpty ? identity : username
        ask(.password(mechanism: .plain, username: name, password: password))
    }

    private mutating func ask(_ credentials: SMTPCredentials) {
        ask(.authentication, .authenticate(credentials))
    }
}
