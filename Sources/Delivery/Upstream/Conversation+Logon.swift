import Crypto
import Mail
import Wire

extension Conversation {
    /// A password or token goes over the clear only where the route has said `none`, or stays on this
    /// machine.
    func logOn(
        _ credentials: Credentials,
        as manners: Manners,
        in surroundings: Surroundings
    ) async throws(HopFailure) {
        guard isPrivate || manners.route.security == .none else {
            throw own(
                .authentication,
                "the next hop offers no TLS, and a logon needs it",
                .route
            )
        }
        let mechanism = try mechanism(for: credentials)
        let reply: HopReply
        switch credentials.secret {
        case .password(let password):
            reply = try await perform(mechanism, credentials.username, password)
        case .token:
            reply = try await logOn(credentials.username, with: manners.tokens, in: surroundings)
        }
        try check(reply, in: .authentication)
    }

    private func mechanism(
        for credentials: Credentials
    ) throws(HopFailure) -> Credentials.Mechanism {
        let offered = capabilities.authMechanisms.compactMap {
            Credentials.Mechanism(rawValue: $0.lowercased())
        }
        if let wanted = offered.first(where: { $0 == credentials.mechanism })
            ?? offered.first(where: credentials.takes)
        {
            return wanted
        }
        let names = capabilities.authMechanisms.joined(separator: " ")
        throw own(
            .authentication,
            names.isEmpty
                ? "the next hop does not offer AUTH"
                : "the next hop offers only AUTH \(names), not \(credentials.mechanism.rawValue)",
            .route
        )
    }

    private func perform(
        _ mechanism: Credentials.Mechanism,
        _ username: String,
        _ password: String
    ) async throws(HopFailure) -> HopReply {
        switch mechanism {
        case .plain:
            return try await heard(
                .authPlain(username: username, password: password),
                in: .authentication
            )
        case .login:
            var reply = try await heard(.authLogin, in: .authentication)
            for answer in [username, password] where reply.code == 334 {
                reply = try await heard(.authResponse(Array(answer.utf8)), in: .authentication)
            }
            return reply
        case .cramMD5: return try await answerChallenge(username, password)
        case .xoauth2: return try await present(password, of: username)
        }
    }

    /// RFC 2195 §2.
    private func answerChallenge(
        _ username: String,
        _ password: String
    ) async throws(HopFailure) -> HopReply {
        let start = SMTPClientCommand.auth(mechanism: "CRAM-MD5", initialResponse: nil)
        let reply = try await heard(start, in: .authentication)
        guard reply.code == 334 else { return reply }
        guard let challenge = try? Base64Decoder.decode(reply.text.utf8.span),
            let digest = try? HMAC.md5(challenge.span, key: password.utf8.span)
        else {
            _ = try await heard(.authCancel, in: .authentication)
            throw own(.authentication, "the challenge of CRAM-MD5 cannot be read", .route)
        }
        let answer = "\(username) \(Hexadecimal.text(digest))"
        return try await heard(.authResponse(Array(answer.utf8)), in: .authentication)
    }
}

// MARK: - Tokens

extension Conversation {
    /// A token that is refused may have ended before its time: once more with a fresh one.
    private func logOn(
        _ username: String,
        with tokens: TokenBroker?,
        in surroundings: Surroundings
    ) async throws(HopFailure) -> HopReply {
        let first = try await token(from: tokens, in: surroundings)
        let reply = try await present(first, of: username)
        guard reply.code == 535, isOpen else { return reply }
        tokens?.discard(first)
        let second = try await token(from: tokens, in: surroundings)
        return second == first ? reply : try await present(second, of: username)
    }

    private func token(
        from tokens: TokenBroker?,
        in surroundings: Surroundings
    ) async throws(HopFailure) -> String {
        guard let tokens else { throw own(.authentication, "no source of tokens", .route) }
        do throws(TokenError) {
            return try await tokens.token(in: surroundings)
        } catch {
            throw own(.authentication, error.description, .route)
        }
    }

    /// XOAUTH2: behind a 334 comes an error in JSON, to be answered with nothing before the server
    /// refuses in its own words.
    private func present(
        _ token: String,
        of username: String
    ) async throws(HopFailure) -> HopReply {
        let response = Array("user=\(username)\u{1}auth=Bearer \(token)\u{1}\u{1}".utf8)
        // A command line has 512 octets, the line after a 334 more (RFC 4954 §4).
        let fits = response.count * 4 / 3 + 20 < 512
        var reply = try await heard(
            .auth(mechanism: "XOAUTH2", initialResponse: fits ? response : nil),
            in: .authentication
        )
        if !fits, reply.code == 334 {
            reply = try await heard(.authResponse(response), in: .authentication)
        }
        if reply.code == 334 { reply = try await heard(.authResponse([]), in: .authentication) }
        return reply
    }
}

private enum Hexadecimal {
    static func text(_ octets: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        let text = octets.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        return String(decoding: text, as: UTF8.self)
    }
}
