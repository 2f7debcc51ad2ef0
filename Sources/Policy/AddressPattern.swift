package import Mail

/// `a@d`, `*@d`, `*@*.d` (d and all below it) or `*`.
package struct AddressPattern: Hashable, Sendable {
    /// Nil for any local part.
    let localPart: String?
    let domain: DomainPattern

    /// Matches no address: none has an empty domain.
    package static let nobody = AddressPattern(localPart: nil, domain: .exactly(""))

    package func matches(_ mailbox: Mailbox) -> Bool {
        guard domain.matches(mailbox.domain) else { return false }
        return localPart.map { $0 == mailbox.localPart.lowercased() } ?? true
    }
}

extension AddressPattern: CustomStringConvertible, LosslessStringConvertible {
    /// Nil for what is none of the four forms.
    package init?(_ text: String) {
        if text == "*" {
            self.init(localPart: nil, domain: .any)
        } else if text.hasPrefix("*@") {
            guard let domain = DomainPattern(String(text.dropFirst(2))), domain != .any else {
                return nil
            }
            self.init(localPart: nil, domain: domain)
        } else {
            // A star inside a local part would look like a pattern and match nothing.
            guard let mailbox = try? Mailbox(parsing: text), !mailbox.localPart.contains("*")
            else { return nil }
            self.init(
                localPart: mailbox.localPart.lowercased(),
                domain: .exactly(mailbox.domain)
            )
        }
    }

    package var description: String {
        guard let localPart, case .exactly(let name) = domain else {
            return domain == .any ? "*" : "*@\(domain)"
        }
        return Mailbox(localPart: localPart, domain: name).description
    }
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

extension DomainPattern: CustomStringConvertible, LosslessStringConvertible {
    package init?(_ text: String) {
        if text == "*" {
            self = .any
        } else if text.hasPrefix("*."), let name = try? Mailbox.domain(parsing: text.dropFirst(2)),
            !name.hasPrefix("[")
        {
            self = .below(name)
        } else if let name = try? Mailbox.domain(parsing: text[...]) {
            self = .exactly(name)
        } else {
            return nil
        }
    }

    package var description: String {
        switch self {
        case .exactly(let name): name
        case .below(let name): "*." + name
        case .any: "*"
        }
    }
}
