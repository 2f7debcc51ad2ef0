package import Mail

/// `a@d`, `*@d`, `*@*.d` (d and all below it) or `*`.
package struct AddressPattern: Hashable, Sendable {
    /// Nil for any local part.
    let localPart: String?
    let domain: DomainPattern
}

/// `d`, `*.d` (d and all below it) or `*`.
package enum DomainPattern: Hashable, Sendable {
    case exactly(String)
    case below(String)
    case any

    package func matches(_ domain: String) -> Bool {
        switch self {
        case .exactly(let name): domain == name
        case .below(let name): domain == name || domain.hasSuffix("." + name)
        case .any: true
        }
    }
}

extension AddressPattern {
    package func matches(_ mailbox: Mailbox) -> Bool {
        guard domain.matches(mailbox.domain) else { return false }
        return localPart.map { $0.lowercased() == mailbox.localPart.lowercased() } ?? true
    }
}
