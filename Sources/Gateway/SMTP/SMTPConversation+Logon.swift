import Mail
import Net
import Policy
import Store
import Wire

/// AUTH, judged and answered.
extension SMTPConversation {
    /// No answer to a logon waits longer than this in all: some devices give up after 20 s.
    private static let patience: Duration = .seconds(12)

    /// False when the conversation is over.
    func authenticate(_ credentials: SMTPCredentials) async -> Bool {
        let begin = ContinuousClock.now
        switch gateway.logons.standing(of: logonSource, at: gateway.clock()) {
        case .good: break
        case .suspect: await pause(since: begin)
        case .shutOut:
            gateway.metrics.logons.countShutOut()
            tell("refused without being judged: too many have failed from there", of: credentials)
            session.refuse(.tooManyFailedLogons)
            return false
        }
        let outcome = await gateway.logons.judge(
            LogonAttempt(
                credentials,
                of: logonSource,
                from: client.peer,
                at: gateway.clock()
            )
        )
        switch outcome {
        case .accepted(let identity):
            become(identity)
            session.accept()
        case .unjudged(let reason):
            gateway.metrics.logons.countUnjudged()
            gateway.log.warning(
                seldom: "logon not judged: \(reason)",
                of: client.connector.name,
                facts(of: credentials)
            )
            session.refuse(.temporaryAuthenticationFailure)
        case .refused(let reason):
            refuse(credentials, reason)
            await pause(since: begin)
            session.refuse(.authenticationUnsuccessful)
        }
        return true
    }

    private func refuse(_ credentials: SMTPCredentials, _ reason: CredentialError) {
        gateway.metrics.countFailedLogon()
        hasFailedLogon = true
        tell("failed: \(hint(credentials) ?? "\(reason)")", of: credentials)
        let shutOut = gateway.logons.penalties.fail(
            logonSource,
            guess: credentials.guess,
            at: gateway.clock()
        )
        if let shutOut {
            note(
                "logons of \(shutOut) are shut out for \(LogonPenalties.exclusion.components.seconds) s"
            )
        }
    }

    /// The connector's tarpit, or what is left of our patience.
    private func pause(since begin: ContinuousClock.Instant) async {
        let rest = begin + Self.patience - .now
        let pause = min(client.connector.limits.tarpit, rest)
        if pause > .zero { _ = await EventLoop.current?.sleep(for: pause) }
    }

    /// What the operator can mend.
    private func hint(_ credentials: SMTPCredentials) -> String? {
        switch credentials {
        case .plain:
            // The identity stays untold: some programs put the password into the wrong field.
            return "the authorization identity is another than the user; leave it empty"
        case .cramMD5(let username, _, _):
            guard let record = gateway.directory.credential(named: username),
                record.sealedSecret == nil
            else { return nil }
            return "CRAM-MD5 needs a credential added with --cram-md5"
        case .password: return nil
        }
    }

    /// The user is named only where he is one of ours: some type their password there.
    private func tell(_ what: String, of credentials: SMTPCredentials) {
        gateway.log.warning("logon \(what)", facts(of: credentials))
    }

    private func facts(of credentials: SMTPCredentials) -> KeyValuePairs<String, String> {
        let record = gateway.directory.credential(named: credentials.username)
        return [
            "connector": client.connector.name, "peer": logonSource.description,
            "mechanism": credentials.mechanism.rawValue,
            "user": credentials.keyID.map { "key_\($0)" } ?? record?.username ?? "unknown",
        ]
    }

    private var logonSource: LogonSource {
        stream.peerCredentials.map { .localUser($0.uid) } ?? .address(client.peer)
    }

    func become(_ identity: Identity) {
        guard let application = identity.application else { return }
        self.identity = identity
        hasFailedLogon = false
        client = client.with(principal: .application(application.applicant))
    }

    /// A verified certificate that an application lists is that application; any other is nobody.
    /// Where applications have no business it says nothing.
    func adoptCertificate() {
        // Now: of a connection that has ended nobody can ask.
        visit.sighting.tlsVersion = stream.tls?.version
        visit.sighting.tlsCipher = stream.tls?.cipher
        if let problem = stream.tls?.certificateProblem {
            note("the client's certificate is not believed: \(problem)")
        }
        guard let fingerprint = stream.tls?.peerFingerprint,
            client.connector.permissionGroups.contains(.applications)
        else { return }
        do throws(CredentialError) {
            let found = try gateway.directory.identify(certificate: fingerprint, from: client.peer)
            guard let found else { return }
            guard found.holds(.send) else { throw .insufficientScope }
            become(found)
            visit.sighting.mechanism = "CERTIFICATE"
            visit.log?.note(.note, "certificate of \(found.application?.name ?? "")")
        } catch {
            gateway.metrics.countFailedLogon()
            note("client certificate refused: \(error)")
        }
    }
}

extension SMTPCredentials {
    var username: String {
        switch self {
        case .password(_, let username, _), .cramMD5(let username, _, _): username
        case .plain(_, let username): username
        }
    }

    /// The public part of an application's key.
    fileprivate var keyID: String? {
        guard case .password(_, _, let password) = self else { return nil }
        return APIKey(password)?.id
    }

    /// What tells one attempt from another.
    fileprivate var guess: String {
        switch self {
        case .password(_, let username, let password): "\(username)\0\(password)"
        case .cramMD5(let username, _, let digest): "\(username)\0\(digest)"
        case .plain(let identity, let username): "\(username)\0\(identity)"
        }
    }
}

extension SMTPReply {
    static let tooManyFailedLogons = SMTPReply(
        421,
        "4.7.0",
        "Too many failed logons from your address, try again later"
    )
    static let temporaryAuthenticationFailure = SMTPReply(
        454,
        "4.7.0",
        "Temporary authentication failure"
    )
}
