import Crypto
import Mail
import Net
import Store
import Wire

/// What became of a logon.
enum LogonOutcome: Sendable {
    case accepted(Identity)
    case refused(CredentialError)
    /// Nobody could judge it now; the reason is for the log.
    case unjudged(String)

    fileprivate init(_ identify: () throws(CredentialError) -> Identity) {
        do throws(CredentialError) {
            self = .accepted(try identify())
        } catch {
            self = .refused(error)
        }
    }
}

/// One attempt to log on. A class, because it goes through many hands while it waits.
final class LogonAttempt: Sendable {
    let credentials: SMTPCredentials
    let source: LogonSource
    let peer: IPAddress
    let moment: Timestamp

    init(
        _ credentials: SMTPCredentials,
        of source: LogonSource,
        from peer: IPAddress,
        at moment: Timestamp
    ) {
        self.credentials = credentials
        self.source = source
        self.peer = peer
        self.moment = moment
    }
}

/// Judges the logons of the SMTP door: an application's key under any user name, or a device's user
/// name with its password. A user name that nobody has costs as much as one with a wrong password.
final class Logons: Sendable {
    let penalties = LogonPenalties()
    private let regulars = LogonRegulars()
    let vault: SecretVault
    private let directory: Directory
    private let memory = LogonMemory()
    private let checks: CostlyChecks
    private let metrics: LogonMetrics

    init(_ directory: Directory, dataDirectory: String, metrics: LogonMetrics) {
        self.directory = directory
        self.metrics = metrics
        vault = SecretVault(directory: dataDirectory)
        // One processor stays free for those who are in already; 32 checks take 3 s of one.
        checks = CostlyChecks(atOnce: min(4, max(1, Processors.count / 2)), waiting: 32)
    }

    func judge(_ attempt: LogonAttempt) async -> LogonOutcome {
        let outcome = await examine(attempt)
        guard case .accepted(let identity) = outcome else { return outcome }
        guard identity.application != nil else { return .refused(.invalid) }
        guard identity.holds(.send) else { return .refused(.insufficientScope) }
        regulars.add(attempt.source)
        return outcome
    }

    func standing(of source: LogonSource, at now: Timestamp) -> LogonStanding {
        penalties.standing(of: source, isRegular: regulars.contain(source), at: now)
    }

    /// Whoever has logged on before the start.
    func welcome(_ addresses: [IPAddress]) {
        for address in addresses { regulars.add(.address(address)) }
    }

    private func examine(_ attempt: LogonAttempt) async -> LogonOutcome {
        switch attempt.credentials {
        case .password(_, _, let key) where APIKey(key) != nil:
            LogonOutcome { () throws(CredentialError) in
                try directory.identify(key, from: attempt.peer, at: attempt.moment)
            }
        case .password(_, let username, let password):
            await check(password, of: username, attempt)
        case .cramMD5(let username, let challenge, let digest):
            check(digest, of: challenge, from: username, attempt)
        case .plain: .refused(.invalid)
        }
    }

    /// By a device's password.
    private func check(
        _ password: String,
        of username: String,
        _ attempt: LogonAttempt
    ) async -> LogonOutcome {
        let record = directory.credential(named: username)
        if let record, memory.holds(record, password, at: attempt.moment) {
            return use(record, attempt)
        }
        let verifier = record.flatMap { PasswordVerifier($0.verifier) } ?? .decoy
        let isRight = await checks.run(
            for: attempt.source,
            isRegular: regulars.contain(attempt.source)
        ) { verifier.fits(password) }
        guard let isRight else {
            return .unjudged("too many passwords are being checked at once")
        }
        metrics.countCheck()
        guard isRight, let record else { return .refused(.invalid) }
        memory.note(record, password, at: attempt.moment)
        return use(record, attempt)
    }

    /// By the answer to a challenge (RFC 2195).
    private func check(
        _ digest: String,
        of challenge: String,
        from username: String,
        _ attempt: LogonAttempt
    ) -> LogonOutcome {
        let record = directory.credential(named: username)
        // Where no credential needs the key file there may be none.
        guard directory.hasSealedSecrets else { return .refused(.invalid) }
        let (message, answer) = (Array(challenge.utf8), Array(digest.utf8))
        let secret: [UInt8]?
        let expected: [UInt8]
        do {
            secret = try vault.open(record?.sealedSecret, for: record?.id)
            let key = secret ?? message
            expected = Array(try HMAC.md5(message.span, key: key.span).hex.utf8)
        } catch {
            return .unjudged("\(error)")
        }
        let isRight = constantTimeEqual(expected.span, answer.span)
        guard isRight, secret != nil, let record else { return .refused(.invalid) }
        return use(record, attempt)
    }

    /// As its application is now: a check takes time, and the credential may be gone meanwhile.
    private func use(_ record: CredentialRecord, _ attempt: LogonAttempt) -> LogonOutcome {
        LogonOutcome { () throws(CredentialError) in
            try directory.use(record, from: attempt.peer, at: attempt.moment)
        }
    }

    /// What a new password is checked against from now on. For administrators, who do not stand in
    /// line.
    func verifier(of password: String) async throws(CryptoError) -> PasswordVerifier {
        let result = await checks.runAtOnce {
            Result { () throws(CryptoError) in try PasswordVerifier(of: password) }
        }
        return try result.get()
    }
}

extension [UInt8] {
    /// Two small hexadecimal digits for each octet.
    var hex: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] },
            as: UTF8.self
        )
    }
}
