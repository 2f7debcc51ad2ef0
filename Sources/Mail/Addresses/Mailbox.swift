/// A local part at a domain (RFC 5321 §4.1.2). Made by parsing; see `Mailbox.init(parsing:)`.
package struct Mailbox: Hashable, Sendable {
    /// As the user means it: unquoted, case kept.
    package let localPart: String
    /// Lower case: A-labels, or an address literal in brackets.
    package let domain: String

    package init(localPart: String, domain: String) {
        self.localPart = localPart
        self.domain = domain
    }
}

/// Where reports of failure go: a mailbox, or nowhere (`<>`, RFC 5321 §4.5.5).
package enum ReversePath: Hashable, Sendable {
    case null
    case mailbox(Mailbox)
}

/// A mailbox as a header shows it: with a display name, or bare (RFC 5322 §3.4).
package struct NamedMailbox: Hashable, Sendable {
    package let name: String?
    package let mailbox: Mailbox

    package init(name: String? = nil, mailbox: Mailbox) {
        self.name = name
        self.mailbox = mailbox
    }
}
