import Mail
import Policy
import Store
import Synchronization

/// Why credentials were not accepted.
enum CredentialError: Error, Equatable, Sendable {
    case missing
    case invalid
    case expired
    case addressNotAllowed
    /// To submit needs `messages:send`.
    case insufficientScope
}

/// The applications with their keys, credentials and certificates, in memory as the store has them.
/// Every change goes to the store first and is then read again, so that it holds from the next
/// request on.
final class Directory: Sendable {
    private struct Reading {
        var content = DirectoryState()
        /// Counts the readings that were begun; `shown` is the one whose answer is in place.
        var begun = 0
        var shown = 0
    }

    private let store: MailStore
    private let reading = Mutex(Reading())
    /// Hears of the applications whenever they have been read.
    private let onReading: @Sendable ([ApplicationRecord]) -> Void

    init(
        store: MailStore,
        onReading: @escaping @Sendable ([ApplicationRecord]) -> Void = { _ in }
    ) {
        self.store = store
        self.onReading = onReading
    }

    /// Reads all of it anew. Of two readings at once the one begun later counts: it has seen the
    /// changes of both, and a key revoked meanwhile must not come back.
    func reload() async throws(StoreError) {
        let number = reading.withLock { reading in
            reading.begun += 1
            return reading.begun
        }
        let applications = try await store.applications()
        let keys = try await store.keys()
        let credentials = try await store.credentials()
        reading.withLock { reading in
            guard reading.shown < number else { return }
            reading.shown = number
            reading.content = DirectoryState(
                applications,
                keys,
                credentials,
                after: reading.content
            )
            onReading(applications)
        }
    }

    func look<Answer>(_ question: (borrowing DirectoryState) -> Answer) -> Answer {
        reading.withLock { question($0.content) }
    }

    /// Whose key this is. The comparison takes as long for a wrong secret as for the right one.
    func identify(
        _ text: String,
        from peer: IPAddress,
        at now: Timestamp
    ) throws(CredentialError) -> Identity {
        guard let key = APIKey(text), let entry = look({ $0.keys[key.id] }),
            entry.isOpened(by: key.digest), entry.record.kind.rawValue == key.kind.rawValue
        else { throw .invalid }
        let identity = try entry.identity(from: peer, at: now)
        entry.lastUse.note(now)
        return identity
    }

    /// Whom the fingerprint of a verified client certificate stands for; nil for nobody.
    func identify(
        certificate fingerprint: String,
        from peer: IPAddress
    ) throws(CredentialError) -> Identity? {
        try look { $0.certificates[fingerprint] }?.admitted(from: peer)
    }

    /// The same identity as it is now: keys end, applications change, and a session outlives both.
    func renewed(
        _ identity: Identity,
        from peer: IPAddress,
        at now: Timestamp
    ) throws(CredentialError) -> Identity {
        switch identity.proof {
        case .socket: throw .invalid
        case .key(let id, _):
            guard let entry = look({ $0.keys[id] }) else { throw .invalid }
            return try entry.identity(from: peer, at: now)
        case .credential(let id, let username):
            guard let record = credential(named: username), record.id == id else { throw .invalid }
            return try use(record, from: peer, at: now)
        case .certificate(let fingerprint):
            guard let identity = try identify(certificate: fingerprint, from: peer) else {
                throw .invalid
            }
            return identity
        }
    }

    var applications: [ApplicationRecord] { look { $0.applications } }

    /// By name or by id.
    func application(_ reference: String) -> ApplicationRecord? {
        let id = ApplicationID(reference)
        return applications.first { $0.name == reference || $0.id == id }
    }

    func keys(of application: ApplicationID?) -> [KeyRecord] {
        allKeys.filter { $0.application == application }
    }

    var allKeys: [KeyRecord] {
        look { content in
            content.keyRecords.map { record in
                var record = record
                record.lastUsedAt = content.keys[record.id]?.lastUse.value ?? record.lastUsedAt
                return record
            }
        }
    }

    /// Writes down when keys and credentials were last used. Called now and then: a write for each
    /// request would cost as much as the request.
    func noteUses() async throws(StoreError) {
        let (keys, credentials) = look { content in
            (
                content.keys.compactMapValues { $0.lastUse.take() },
                content.credentials.values.reduce(into: [CredentialID: Timestamp]()) {
                    uses,
                    entry in
                    uses[entry.record.id] = entry.lastUse.take()
                }
            )
        }
        if !keys.isEmpty { try await store.noteUse(keys.map { (keyID: $0.key, at: $0.value) }) }
        if !credentials.isEmpty { try await store.noteUse(credentials) }
        reading.withLock { reading in
            for index in reading.content.keyRecords.indices {
                if let at = keys[reading.content.keyRecords[index].id] {
                    reading.content.keyRecords[index].lastUsedAt = at
                }
            }
            for index in reading.content.credentialRecords.indices {
                if let at = credentials[reading.content.credentialRecords[index].id] {
                    reading.content.credentialRecords[index].lastUsedAt = at
                }
            }
        }
    }
}
