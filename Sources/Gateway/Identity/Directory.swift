import Crypto
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
}

/// The applications and keys, in memory as the store has them. Every change goes to the store
/// first and is then read again, so that it holds from the next request on.
final class Directory: Sendable {
    private final class Entry: Sendable {
        let key: KeyRecord
        let identity: Identity
        let ranges: [AddressRange]
        /// Milliseconds; 0 when it was not used since that was last written down.
        let lastUse = Atomic<Int64>(0)

        init(_ key: KeyRecord, _ identity: Identity, _ ranges: [AddressRange]) {
            self.key = key
            self.identity = identity
            self.ranges = ranges
        }

        func isOpened(by digest: [UInt8]) -> Bool {
            let hash = key.secretHash
            return constantTimeEqual(digest.span, hash.span)
        }

        func identity(from peer: IPAddress, at now: Timestamp) throws(CredentialError) -> Identity {
            if key.revokedAt != nil { throw .invalid }
            if case .nobody = identity.holder { throw .invalid }
            if let expiry = key.expiresAt, expiry <= now { throw .expired }
            guard ranges.isEmpty || ranges.contains(where: { $0.contains(peer) }) else {
                throw .addressNotAllowed
            }
            return identity
        }
    }

    private struct State {
        var entries: [String: Entry] = [:]
        var applications: [ApplicationRecord] = []
        var keys: [KeyRecord] = []
        /// Counts the readings that were begun; `shown` is the one whose answer is in place.
        var begun = 0
        var shown = 0
    }

    private let store: MailStore
    private let state = Mutex(State())

    init(store: MailStore) {
        self.store = store
    }

    /// Reads all of it anew. Of two readings at once the one begun later counts: it has seen the
    /// changes of both, and a key revoked meanwhile must not come back.
    func reload() async throws(StoreError) {
        let number = state.withLock { state in
            state.begun += 1
            return state.begun
        }
        let applications = try await store.applications()
        let keys = try await store.keys()
        let byID = Dictionary(applications.map { ($0.id, $0) }) { first, _ in first }
        var entries: [String: Entry] = [:]
        for key in keys {
            let application = key.application.flatMap { byID[$0] }
            entries[key.id] = Entry(
                key,
                Self.identity(of: key, application),
                // One that cannot be read holds nobody: left out, it could let in everyone.
                (application?.ipRanges ?? []).map { AddressRange($0) ?? .unspecified }
            )
        }
        state.withLock { state in
            guard state.shown < number else { return }
            state.shown = number
            for (id, entry) in state.entries {
                entries[id]?.lastUse.store(
                    entry.lastUse.load(ordering: .relaxed),
                    ordering: .relaxed
                )
            }
            state.entries = entries
            state.applications = applications
            state.keys = keys
        }
    }

    private static func identity(
        of key: KeyRecord,
        _ application: ApplicationRecord?
    ) -> Identity {
        switch key.kind {
        case .administrator: Identity(holder: .administrator, key: key)
        case .application, .ingest:
            application.map {
                Identity(holder: .application($0, $0.applicant), key: key)
            } ?? .nobody
        }
    }

    /// Whose key this is. The comparison takes as long for a wrong secret as for the right one.
    func identify(
        _ text: String,
        from peer: IPAddress,
        at now: Timestamp
    ) throws(CredentialError) -> Identity {
        guard let key = APIKey(text), let entry = state.withLock({ $0.entries[key.id] }),
            entry.isOpened(by: key.digest), entry.key.kind.rawValue == key.kind.rawValue
        else { throw .invalid }
        let identity = try entry.identity(from: peer, at: now)
        entry.lastUse.store(now.milliseconds, ordering: .relaxed)
        return identity
    }

    /// The same identity as it is now: keys end, applications change, and a session outlives both.
    func renewed(
        _ identity: Identity,
        from peer: IPAddress,
        at now: Timestamp
    ) throws(CredentialError) -> Identity {
        guard let id = identity.keyID, let entry = state.withLock({ $0.entries[id] }) else {
            throw .invalid
        }
        return try entry.identity(from: peer, at: now)
    }

    var applications: [ApplicationRecord] { state.withLock { $0.applications } }

    /// By name or by id.
    func application(_ reference: String) -> ApplicationRecord? {
        let id = ApplicationID(reference)
        return applications.first { $0.name == reference || $0.id == id }
    }

    func keys(of application: ApplicationID?) -> [KeyRecord] {
        state.withLock { state in
            state.keys.filter { $0.application == application }.map { key in
                var key = key
                let use = state.entries[key.id]?.lastUse.load(ordering: .relaxed) ?? 0
                if use > 0 { key.lastUsedAt = Timestamp(milliseconds: use) }
                return key
            }
        }
    }

    var allKeys: [KeyRecord] { state.withLock { $0.keys } }

    /// Writes down when keys were last used. Called now and then: a write for each request would
    /// cost as much as the request.
    func noteUses() async throws(StoreError) {
        let uses = state.withLock { state in
            state.entries.mapValues { $0.lastUse.exchange(0, ordering: .relaxed) }
        }.filter { $0.value > 0 }.mapValues { Timestamp(milliseconds: $0) }
        guard !uses.isEmpty else { return }
        try await store.noteUse(uses.map { (keyID: $0.key, at: $0.value) })
        state.withLock { state in
            for index in state.keys.indices {
                if let at = uses[state.keys[index].id] { state.keys[index].lastUsedAt = at }
            }
        }
    }
}
