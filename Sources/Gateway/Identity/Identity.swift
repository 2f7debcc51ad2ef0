import Mail
import Policy
import Store

/// Who someone is, and by what he proved it.
final class Identity: Sendable {
    enum Holder: Sendable {
        case nobody
        case administrator
        case application(ApplicationRecord, Applicant)
    }

    enum Proof: Sendable, Equatable {
        /// Whoever may open the control socket, by the user's number.
        case socket(UInt32)
        case key(String, expiresAt: Timestamp?)
        case credential(CredentialID, username: String)
        /// A client certificate, by its fingerprint.
        case certificate(String)
    }

    let holder: Holder
    let proof: Proof
    /// Where the application may be used from; empty means everywhere.
    private let ranges: [AddressRange]

    init(holder: Holder, proof: Proof = .socket(0)) {
        self.holder = holder
        self.proof = proof
        if case .application(let record, _) = holder {
            // One that cannot be read holds nobody: left out, it could let in everyone.
            ranges = record.ipRanges.map { AddressRange($0) ?? .unspecified }
        } else {
            ranges = []
        }
    }

    convenience init(of application: ApplicationRecord?, by proof: Proof) {
        let holder = application.map { Holder.application($0, $0.applicant) }
        self.init(holder: holder ?? .nobody, proof: proof)
    }

    static let nobody = Identity(holder: .nobody)

    /// Whoever may open the control socket rules the machine's gateway.
    static func localAdministrator(_ user: UInt32) -> Identity {
        Identity(holder: .administrator, proof: .socket(user))
    }

    /// Who did it, as events tell it: the application, an administrator's key, or a local user.
    var name: String {
        if let application { return application.name }
        return switch proof {
        case .socket(let user): "uid \(user)"
        case .key(let id, _): "key_\(id)"
        case .credential(_, let username): username
        case .certificate(let fingerprint): fingerprint
        }
    }

    /// The same, if it may be used from there.
    func admitted(from peer: IPAddress) throws(CredentialError) -> Identity {
        if case .nobody = holder { throw .invalid }
        guard ranges.isEmpty || ranges.contains(where: { $0.contains(peer) }) else {
            throw .addressNotAllowed
        }
        return self
    }

    /// The key's public part; nil for one who showed no key.
    var keyID: String? {
        if case .key(let id, _) = proof { id } else { nil }
    }

    var keyExpiresAt: Timestamp? {
        if case .key(_, let expiry) = proof { expiry } else { nil }
    }

    /// By a client certificate and nothing else.
    var isCertified: Bool {
        if case .certificate = proof { true } else { false }
    }

    var isAdministrator: Bool {
        if case .administrator = holder { true } else { false }
    }

    var application: ApplicationRecord? {
        if case .application(let record, _) = holder { record } else { nil }
    }

    var scopes: [String] {
        switch holder {
        case .nobody: []
        case .administrator: Scope.allCases.map(\.rawValue)
        case .application(let record, _): record.scopes
        }
    }

    func holds(_ scope: Scope) -> Bool {
        isAdministrator || scopes.contains(scope.rawValue)
    }
}

extension ApplicationRecord {
    /// What the rules must know of it. A pattern that cannot be read matches nobody: left out, it
    /// could leave an empty list, and that allows more.
    var applicant: Applicant {
        Applicant(
            id: id,
            name: name,
            mayRelay: relaysExternally,
            senders: senders.map { AddressPattern($0) ?? .nobody },
            recipients: recipients.map { AddressPattern($0) ?? .nobody }
        )
    }
}
