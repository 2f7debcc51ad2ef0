import Mail

extension Rulebook {
    /// The one decision of both doors, in the order in which SMTP learns the facts: 2–4 and 6 of the
    /// envelope, then 5 and 7 of each recipient, then 4 and 6 of the content. `partially`: the
    /// allowed recipients are approved though others are refused.
    package func decide(_ submission: Submission, partially: Bool = false) -> Decision {
        let client = submission.client
        var findings: [Finding] = []
        findings.reserveCapacity(8 + 2 * submission.recipients.count + submission.authors.count)
        findings.append(Finding(.connector, "\(client.connector.name) serves \(client.peer)"))
        if let refusal = askEnvelope(of: submission, into: &findings) {
            return Decision(findings: findings, approval: nil, refusal: refusal, refused: [])
        }
        var routed: [RoutedRecipient] = []
        var refused: [RefusedRecipient] = []
        for recipient in submission.recipients {
            switch judge(recipient, of: submission, into: &findings) {
            case .success(let accepted): routed.append(accepted)
            case .failure(let rejected): refused.append(rejected)
            }
        }
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
            ?? findings.note(examineCount(ofRecipients: submission.recipients.count, of: client))
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

    private enum Judgement {
        case success(RoutedRecipient)
        case failure(RefusedRecipient)
    }

    private func judge(
        _ recipient: Mailbox,
        of submission: Submission,
        into findings: inout [Finding]
    ) -> Judgement {
        let permission = examineRecipient(recipient, of: submission.client)
        findings.append(permission)
        if let refusal = permission.refusal {
            return .failure(RefusedRecipient(mailbox: recipient, refusal: refusal))
        }
        let (finding, route) = examineRoute(
            to: recipient,
            from: submission.client,
            octets: submission.octets
        )
        findings.append(finding)
        if let route { return .success(RoutedRecipient(mailbox: recipient, route: route)) }
        let refusal = finding.refusal ?? Refusal(rule: .route, reply: .noRoute)
        return .failure(RefusedRecipient(mailbox: recipient, refusal: refusal))
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
