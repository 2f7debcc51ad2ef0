package import Mail

/// Who submits.
package enum Principal: Hashable, Sendable {
    case anonymous
    case application(Applicant)
    /// The gateway itself: its reports and notices.
    case postern
}

/// A recipient and the send connector that will carry its mail.
package struct RoutedRecipient: Hashable, Sendable {
    package let mailbox: Mailbox
    package let route: String
}

/// Proof that the rules let a message in. Only this room can make one, and the store keeps nothing
/// else, so no message is kept undecided.
package struct Approval: Hashable, Sendable {
    /// The receive connector's name.
    package let connector: String
    package let principal: Principal
    package let sender: ReversePath
    package let recipients: [RoutedRecipient]
}
