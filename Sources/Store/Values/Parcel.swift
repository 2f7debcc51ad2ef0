package import Mail
package import Policy

/// A message to be kept: what was approved, its content, and what else is known of it.
package final class Parcel: Sendable {
    package let approval: Approval
    package let id: MessageID
    package let createdAt: Timestamp
    /// In order.
    package let content: [Piece]
    package let details: MessageDetails
    /// NOTIFY and ORCPT, of the recipients for whom they were given.
    package let reports: [Mailbox: DSNRecipient]
    /// When it may be sent first; later than `createdAt` it is scheduled.
    package let dueAt: Timestamp
    /// The places of the recipients to whom nothing is sent.
    package let suppressed: Set<Int>
    /// Those of them of whom the sender is to hear.
    package let unheard: Set<Int>

    /// Due at `details.sendAt`, or at once.
    package init(
        approval: Approval,
        id: MessageID,
        createdAt: Timestamp,
        content: [Piece],
        details: MessageDetails,
        reports: [Mailbox: DSNRecipient] = [:],
        dueAt: Timestamp? = nil,
        suppressed: Set<Int> = [],
        unheard: Set<Int> = []
    ) {
        self.approval = approval
        self.id = id
        self.createdAt = createdAt
        self.content = content
        self.details = details
        self.reports = reports
        self.suppressed = suppressed
        self.unheard = unheard
        self.dueAt = dueAt ?? max(details.sendAt ?? createdAt, createdAt)
    }

    /// Of its recipients once it is kept.
    var status: RecipientStatus { dueAt > createdAt ? .scheduled : .queued }
}

package enum Piece: Sendable {
    case octets([UInt8])
    /// Kept ahead by a `Spool`; adopted, not copied.
    case spooled(SpooledContent)
}

/// What a finished `Spool` wrote. It lives an hour unless a `keep` adopts it.
package struct SpooledContent: Sendable {
    /// Nil while all of it is in `rest`.
    let id: Int64?
    /// How many chunks are in the database.
    let chunks: Int
    /// The end, which is written by the `keep` that adopts the content.
    let rest: [UInt8]
    package let octets: Int
}

/// One use of an idempotency key: what was asked, and the answer to keep if the work is done.
package struct IdempotencyClaim: Sendable {
    /// Whose key it is: keys of different scopes never meet.
    package var scope: String
    package var key: String
    /// A digest of the request.
    package var fingerprint: [UInt8]
    package var answer: StoredAnswer
    package var expires: Timestamp

    package init(
        scope: String,
        key: String,
        fingerprint: [UInt8],
        answer: StoredAnswer,
        expires: Timestamp
    ) {
        self.scope = scope
        self.key = key
        self.fingerprint = fingerprint
        self.answer = answer
        self.expires = expires
    }
}

package struct StoredAnswer: Sendable {
    package var status: Int
    package var headers: [(String, String)]
    package var body: [UInt8]

    package init(status: Int, headers: [(String, String)] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}

extension StoredAnswer: Equatable {
    package static func == (left: StoredAnswer, right: StoredAnswer) -> Bool {
        left.status == right.status && left.body == right.body
            && left.headers.elementsEqual(right.headers, by: ==)
    }
}

package enum KeepOutcome: Sendable {
    /// Committed and synced; for each parcel its recipients, in the order of the approval.
    case kept([[QueueEntry]])
    /// The key was used before with the same fingerprint; nothing was kept.
    case replayed(StoredAnswer)
    /// The key was used before for something else; nothing was kept.
    case mismatched
}
