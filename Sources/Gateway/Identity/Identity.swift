import Mail
import Policy
import Store

/// Who a key speaks for.
final class Identity: Sendable {
    enum Holder: Sendable {
        case nobody
        case administrator
        case application(ApplicationRecord, Applicant)
    }

    let holder: Holder
    /// The key's public part; nil for an administrator at the control socket.
    let keyID: String?
    let keyExpiresAt: Timestamp?

    init(holder: Holder, key: KeyRecord? = nil) {
        self.holder = holder
        keyID = key?.id
        keyExpiresAt = key?.expiresAt
    }

    static let nobody = Identity(holder: .nobody)

    /// Whoever may open the control socket rules the machine's gateway.
    static let localAdministrator = Identity(holder: .administrator)

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
