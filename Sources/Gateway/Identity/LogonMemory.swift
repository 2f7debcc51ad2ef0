import Crypto
import Mail
import Store
import Synchronization

/// Logons that went well a short while ago, so that a device that sends ten mails pays for one
/// scrypt. It holds no password and nothing a password could be tried against elsewhere: only
/// hashes under a key that ends with the process.
final class LogonMemory: Sendable {
    static let lifetime: Duration = .seconds(300)
    private static let capacity = 10_000

    private let key = SecureRandom.bytes(32)
    private let ends = Mutex<[[UInt8]: Timestamp]>([:])

    /// Whether that password was right for that credential within the last minutes.
    func holds(_ credential: CredentialRecord, _ password: String, at now: Timestamp) -> Bool {
        guard let mark = mark(credential, password) else { return false }
        return ends.withLock { ends in
            guard let end = ends[mark] else { return false }
            // A clock that was set back makes nothing last longer.
            return now < end && end - now <= Self.lifetime
        }
    }

    func note(_ credential: CredentialRecord, _ password: String, at now: Timestamp) {
        guard let mark = mark(credential, password) else { return }
        ends.withLock { ends in
            if ends.count >= Self.capacity { ends = ends.filter { now < $0.value } }
            if ends.count >= Self.capacity { ends.removeAll() }
            ends[mark] = now + Self.lifetime
        }
    }

    /// The verifier is part of it: its salt is new with every password that is set.
    private func mark(_ credential: CredentialRecord, _ password: String) -> [UInt8]? {
        let (key, text) = (
            key, Array("\(credential.id)\0\(credential.verifier)\0\(password)".utf8)
        )
        return try? HMAC.sha256(text.span, key: key.span)
    }
}
