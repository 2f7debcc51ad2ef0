package import Mail

/// Which messages to list; what is nil does not narrow it.
package struct MessageQuery: Sendable {
    /// The status of the message: the worst of its recipients'.
    package var status: RecipientStatus?
    /// Of at least one recipient.
    package var recipientStatus: RecipientStatus?
    /// An address, any case; `@domain` for all of a domain.
    package var recipient: String?
    /// As `recipient`; "" for the null sender.
    package var sender: String?
    /// A part of the subject, any case of ASCII.
    package var subject: String?
    package var tag: String?
    package var externalID: String?
    package var headerMessageID: String?
    package var application: ApplicationID?
    /// The route of at least one recipient.
    package var route: String?
    /// Made at this moment or later.
    package var createdAfter: Timestamp?
    /// Made before this moment.
    package var createdBefore: Timestamp?
    /// A part of the subject, sender, a recipient or the external id.
    package var q: String?
    package var limit: Int
    package var cursor: PageCursor?

    package init(limit: Int = 50, cursor: PageCursor? = nil) {
        self.limit = limit
        self.cursor = cursor
    }
}

/// Where a listing goes on.
package struct PageCursor: Hashable, Sendable, LosslessStringConvertible {
    let row: Int64

    init(row: Int64) { self.row = row }

    /// Nil for what no listing has given out.
    package init?(_ description: String) {
        guard description.hasPrefix("c"), description.utf8.count == 17,
            let row = Int64(description.dropFirst(), radix: 16), row > 0
        else { return nil }
        self.row = row
    }

    package var description: String {
        let digits = String(row, radix: 16)
        return "c" + String(repeating: "0", count: 16 - digits.count) + digits
    }
}

package struct Page<Record: Sendable>: Sendable {
    package var records: [Record]
    /// Nil at the end.
    package var next: PageCursor?
}
