package import Mail

/// What a report from outside says about one recipient.
package struct ReportFinding: Sendable {
    /// Its place among the message's recipients.
    package var index: Int
    /// `delivered` or `failed`; nil where nothing is final yet.
    package var status: RecipientStatus?
    package var action: String
    package var reply: NextHopReply
    package var detail: [(String, String)]

    package init(
        index: Int,
        status: RecipientStatus?,
        action: String,
        reply: NextHopReply,
        detail: [(String, String)] = []
    ) {
        self.index = index
        self.status = status
        self.action = action
        self.reply = reply
        self.detail = detail
    }
}

extension MailStore {
    /// Writes down what a report says: a recipient that the next hop took, or may have taken, is then
    /// delivered or failed; about any other only an event is kept. Answers those that changed.
    package func note(_ findings: [ReportFinding], of message: MessageKey, at now: Timestamp)
        async throws(StoreError) -> [RecipientKey]
    {
        try await write { rows throws(StoreError) in
            try rows.note(findings, of: message, at: now)
        }
    }
}
