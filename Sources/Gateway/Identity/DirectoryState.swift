import Crypto
import Delivery
import Mail
import Policy
import Store
import Synchronization

/// When a proof was last used, to be written down later: milliseconds, 0 when it was not.
final class LastUse: Sendable {
    private let moment = Atomic<Int64>(0)

    func note(_ now: Timestamp) { moment.store(now.milliseconds, ordering: .relaxed) }

    var value: Timestamp? {
        let milliseconds = moment.load(ordering: .relaxed)
        return milliseconds > 0 ? Timestamp(milliseconds: milliseconds) : nil
    }

    /// Takes it away.
    func take() -> Timestamp? {
        let milliseconds = moment.exchange(0, ordering: .relaxed)
        return milliseconds > 0 ? Timestamp(milliseconds: milliseconds) : nil
    }
}

/// All that the store has of applications and their proofs, arranged for looking up.
struct DirectoryState {
    /// A class: each request looks one up, and a record has many parts to copy.
    final class Key: Sendable {
        let record: KeyRecord
        let identity: Identity
        let lastUse: LastUse

        init(_ record: KeyRecord, _ identity: Identity, _ lastUse: LastUse) {
            self.record = record
            self.identity = identity
            self.lastUse = lastUse
        }

        func isOpened(by digest: [UInt8]) -> Bool {
            let hash = record.secretHash
            return constantTimeEqual(digest.span, hash.span)
        }

        func identity(from peer: IPAddress, at now: Timestamp) throws(CredentialError) -> Identity {
            if record.revokedAt != nil { throw .invalid }
            if case .nobody = identity.holder { throw .invalid }
            if let expiry = record.expiresAt, expiry <= now { throw .expired }
            return try identity.admitted(from: peer)
        }
    }

    struct Credential: Sendable {
        let record: CredentialRecord
        let identity: Identity
        let lastUse: LastUse
    }

    var applications: [ApplicationRecord] = []
    var keyRecords: [KeyRecord] = []
    var credentialRecords: [CredentialRecord] = []
    private(set) var keys: [String: Key] = [:]
    /// By user name in small letters.
    private(set) var credentials: [String: Credential] = [:]
    /// By fingerprint.
    private(set) var certificates: [String: Identity] = [:]
    private(set) var hasSealedSecrets = false

    init() {}

    init(
        _ applications: [ApplicationRecord],
        _ keys: [KeyRecord],
        _ credentials: [CredentialRecord],
        after earlier: DirectoryState
    ) {
        self.applications = applications
        keyRecords = keys
        credentialRecords = credentials
        let byID = Dictionary(applications.map { ($0.id, $0) }) { first, _ in first }
        for key in keys {
            let application = key.application.flatMap { byID[$0] }
            let proof = Identity.Proof.key(key.id, expiresAt: key.expiresAt)
            self.keys[key.id] = Key(
                key,
                key.kind == .administrator
                    ? Identity(holder: .administrator, proof: proof)
                    : Identity(of: application, by: proof),
                earlier.keys[key.id]?.lastUse ?? LastUse()
            )
        }
        for credential in credentials {
            let name = credential.username.lowercased()
            let earlier = earlier.credentials[name]
            self.credentials[name] = Credential(
                record: credential,
                identity: Identity(
                    of: byID[credential.application],
                    by: .credential(credential.id, username: credential.username)
                ),
                lastUse: earlier?.record.id == credential.id
                    ? earlier?.lastUse ?? LastUse() : LastUse()
            )
        }
        hasSealedSecrets = credentials.contains { $0.sealedSecret != nil }
        readCertificates()
    }

    /// One that two applications list is neither: nobody can say which is meant.
    private mutating func readCertificates() {
        var disputed: Set<String> = []
        for application in applications {
            for fingerprint in Set(application.certificates) {
                if certificates[fingerprint] != nil { disputed.insert(fingerprint) }
                certificates[fingerprint] = Identity(
                    of: application,
                    by: .certificate(fingerprint)
                )
            }
        }
        for fingerprint in disputed { certificates[fingerprint] = nil }
    }
}

extension [ApplicationRecord] {
    /// Of those that differ from the configuration.
    var uncertainties: [ApplicationID: DeliverySettings.Uncertainty] {
        reduce(into: [:]) { found, application in
            let word = application.uncertain.flatMap(DeliverySettings.Uncertainty.init(rawValue:))
            if let word { found[application.id] = word }
        }
    }

    /// Of those of whose mail somebody else may get copies.
    var escalating: Set<ApplicationID> {
        Set(filter { $0.escalateTo != nil }.map(\.id))
    }
}
