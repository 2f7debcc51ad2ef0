package import Mail

/// An address to which nothing is sent.
package struct SuppressionRecord: Hashable, Sendable {
    package enum Reason: String, CaseIterable, Sendable {
        /// An administrator wants it.
        case manual
        /// It was found not to exist, again and again.
        case hardBounces = "hard_bounces"
    }

    /// In small letters: no two differ in case alone.
    package let address: String
    package var reason: Reason
    package var comment: String?
    package var createdAt: Timestamp
    /// Nil: it stays.
    package var expiresAt: Timestamp?

    package init(
        address: String,
        reason: Reason,
        comment: String? = nil,
        createdAt: Timestamp,
        expiresAt: Timestamp? = nil
    ) {
        self.address = address
        self.reason = reason
        self.comment = comment
        self.createdAt = createdAt
        self.expiresAt = expiresAt
    }

    /// The form in which addresses are compared.
    package static func key(of mailbox: Mailbox) -> String {
        "\(mailbox.localPart.lowercased())@\(mailbox.domain.lowercased())"
    }
}

/// When an address counts as dead by what next hops say.
package struct SuppressionPolicy: Hashable, Sendable {
    /// So many messages must have bounced.
    package var hardBounces: Int
    package var within: Duration
    /// How long it is suppressed then; nil: for ever.
    package var span: Duration?

    package init(
        hardBounces: Int = 3,
        within: Duration = .seconds(86_400),
        span: Duration? = .seconds(30 * 86_400)
    ) {
        self.hardBounces = hardBounces
        self.within = within
        self.span = span
    }
}
