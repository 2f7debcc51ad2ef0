package import Mail

/// What the rules know of an application.
package struct Applicant: Hashable, Sendable {
    package let id: ApplicationID
    package let name: String
    /// True for `--relay external`: recipients outside the accepted domains are allowed.
    package let mayRelay: Bool
    /// Whom it may send as; empty means any address in an accepted domain.
    package let senders: [AddressPattern]
    /// Whom it may write to; empty means whomever the other rules allow.
    package let recipients: [AddressPattern]

    package init(
        id: ApplicationID,
        name: String,
        mayRelay: Bool,
        senders: [AddressPattern] = [],
        recipients: [AddressPattern] = []
    ) {
        self.id = id
        self.name = name
        self.mayRelay = mayRelay
        self.senders = senders
        self.recipients = recipients
    }
}
