package import Mail
package import Policy
package import Store

/// Who a key speaks for.
package struct Identity: Sendable {
    package enum Holder: Sendable {
        case administrator
        case application(ApplicationRecord)
    }

    package let holder: Holder
    /// The key's public part; nil for an administrator at the control socket.
    package let keyID: String?

    package init(holder: Holder, keyID: String?) {
        self.holder = holder
        self.keyID = keyID
    }

    /// Whoever may open the control socket rules the machine's gateway.
    package static let localAdministrator = Identity(holder: .administrator, keyID: nil)

    package var isAdministrator: Bool {
        if case .administrator = holder { true } else { false }
    }

    package var application: ApplicationRecord? {
        if case .application(let record) = holder { record } else { nil }
    }

    package var scopes: [String] {
        switch holder {
        case .administrator: Scope.allCases.map(\.rawValue)
        case .application(let record): record.scopes
        }
    }

    package func holds(_ scope: Scope) -> Bool {
        isAdministrator || scopes.contains(scope.rawValue)
    }
}

extension ApplicationRecord {
    /// What the rules must know of it.
    package var applicant: Applicant {
        Applicant(
            id: id, name: name, mayRelay: relaysExternally,
            senders: senders.compactMap { AddressPattern($0) },
            recipients: recipients.compactMap { AddressPattern($0) })
    }
}
