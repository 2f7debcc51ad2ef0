import Mail

extension Rows {
    func note(
        _ findings: [ReportFinding],
        of message: MessageKey,
        at now: Timestamp
    ) throws(StoreError) -> [RecipientKey] {
        let wasUnfinished = try isUnfinished(message.row)
        var changed: [RecipientKey] = []
        for finding in findings {
            let isNews = try apply(finding, to: message)
            if isNews { changed.append(RecipientKey(message: message, index: finding.index)) }
            if isNews, finding.status == .failed {
                try escalateIfAsked(
                    RecipientKey(message: message, index: finding.index),
                    at: now
                )
            }
            try insertEvent(
                isNews ? finding.status?.name ?? "reported" : "reported",
                at: now,
                message: message.row,
                recipient: finding.index,
                detail: JSONText.object([("report", finding.action)] + finding.detail)
            )
        }
        if wasUnfinished, try !isUnfinished(message.row) { unfinishedChange -= 1 }
        return changed
    }

    /// False where nothing changes: nothing is final, or it was before.
    private func apply(
        _ finding: ReportFinding,
        to message: MessageKey
    ) throws(StoreError) -> Bool {
        guard let status = finding.status else { return false }
        let reply = finding.reply
        return try database.change(
            """
            UPDATE recipient SET status = ?1, due = NULL, reply_code = ?2, reply_enhanced = ?3,
                reply_text = ?4, reply_host = ?5, reply_at = ?6
            WHERE message = ?7 AND idx = ?8 AND status IN (?9, ?10)
            """,
            [
                .status(status), .integer(Int64(reply.code)), .text(orNull: reply.enhanced),
                .text(reply.text), .text(reply.host), .time(reply.at), .integer(message.row),
                .integer(Int64(finding.index)), .status(.relayed), .status(.uncertain),
            ]
        ) > 0
    }
}
