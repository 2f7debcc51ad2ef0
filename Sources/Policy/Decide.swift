import Mail

extension Rulebook {
    /// The one decision of both doors, in the order in which SMTP learns the facts: 2–4 and 6 of the
    /// envelope, then 5–7 of the recipients, then 4 and 6 of the content. `partially`: the allowed
    /// recipients are approved though others are refused.
    package func decide(_ submission: Submission, partially: Bool = false) -> Decision {
        let client = submission.client
        var findings: [Finding] = []
        findings.reserveCapacity(8 + 2 * submission.recipients.count + submission.authors.count)
        findings.append(Finding(.connector, "\(client.connector.name) serves \(client.peer)"))
        if let refusal = askEnvelope(of: submission, into: &findings) {
            return Decision(findings: findings, approval: nil, refusal: refusal, refused: [])
        }
        let judged = judgeRecipients(of: submission, into: &findings)
        if let refusal = judged.excess {
            return Decision(findings: findings, approval: nil, refusal: refusal, refused: [])
        }
        let (routed, refused) = (judged.routed, judged.refused)
        guard !routed.isEmpty, refused.isEmpty || partially else {
            return Decision(
                findings: findings,
                approval: nil,
                refusal: refused.first?.refusal ?? .noRecipients,
                refused: refused
            )
        }
        if let refusal = askContent(of: submission, into: &findings) {
            return Decision(findings: findings, approval: nil, refusal: refusal, refused: [])
        }
        return Decision(
            findings: findings,
            approval: approval(of: submission, for: routed),
            refusal: nil,
            refused: refused
        )
    }

    private struct JudgedRecipients {
        var routed: [RoutedRecipient] = []
        var refused: [RefusedRecipient] = []
        /// There are too many of them.
        var excess: Refusal?

        /// True unless it refuses the recipient.
        mutating func take(_ finding: Finding, of recipient: Mailbox) -> Bool {
            guard let refusal = finding.refusal else { return true }
            refused.append(RefusedRecipient(mailbox: recipient, refusal: refusal))
            return false
        }
    }

    /// 5, 6 and 7: their number is asked once, with the first who is permitted.
    private func judgeRecipients(
        of submission: Submission,
        into findings: inout [Finding]
    ) -> JudgedRecipients {
        let (client, count) = (submission.client, submission.recipients.count)
        var judged = JudgedRecipients()
        var isCounted = false
        for recipient in submission.recipients {
            let permission = examineRecipient(recipient, of: client)
            findings.append(permission)
            guard judged.take(permission, of: recipient) else { continue }
            if !isCounted {
                judged.excess = findings.note(examineCount(ofRecipients: count, of: client))
                guard judged.excess == nil else { break }
                isCounted = true
            }
            let way = examineRoute(to: recipient, from: client, octets: submission.octets)
            findings.append(way.finding)
            guard judged.take(way.finding, of: recipient), let route = way.route else { continue }
            judged.routed.append(RoutedRecipient(mailbox: recipient, route: route))
        }
        return judged
    }

    /// Asks up to the first refusal and answers it.
    private func askEnvelope(
        of submission: Submission,
        into findings: inout [Finding]
    ) -> Refusal? {
        let client = submission.client
        return findings.note(examineTLS(client))
            ?? findings.note(examineSubmit(client))
            ?? findings.note(examineSender(submission.sender, of: client))
            ?? client.connector.rewrite.flatMap { findings.note(rewriting(of: submission, by: $0)) }
            ?? findings.note(examineSize(submission.octets, of: client))
    }

    /// Who writes is judged as who they are; only what is taken goes on under the other address.
    private func rewriting(of submission: Submission, by rewrite: SenderRewrite) -> Finding {
        let sender = rewrite.envelope(submission.sender)
        return Finding(
            .sender,
            "\(submission.client.connector.name) rewrites the sender to \(rewrite.address)"
                + (sender == .null ? " in From only: the null sender stays" : "")
        )
    }

    private func askContent(
        of submission: Submission,
        into findings: inout [Finding]
    ) -> Refusal? {
        for author in submission.authors {
            let finding = examineSender(.mailbox(author), of: submission.client)
            if let refusal = findings.note(finding) { return refusal }
        }
        return findings.note(examineHops(submission.hops, of: submission.client))
    }

    private func approval(
        of submission: Submission,
        for recipients: [RoutedRecipient]
    ) -> Approval {
        Approval(
            connector: submission.client.connector.name,
            principal: submission.client.principal,
            sender: submission.client.connector.rewrite?.envelope(submission.sender)
                ?? submission.sender,
            recipients: recipients
        )
    }
}

extension [Finding] {
    /// Adds the finding and answers its refusal.
    fileprivate mutating func note(_ finding: Finding) -> Refusal? {
        append(finding)
        return finding.refusal
    }
}
