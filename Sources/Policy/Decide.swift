import Mail

extension Rulebook {
    /// The one decision of both doors. Rules 2–4 and 6 judge the whole submission, 5 and 7 each
    /// recipient. `partially`: the allowed recipients are approved though others are refused.
    package func decide(_ submission: Submission, partially: Bool = false) -> Decision {
        var findings = examineWhole(submission)
        if let refusal = findings.last?.refusal {
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
        let isApproved = !routed.isEmpty && (refused.isEmpty || partially)
        return Decision(
            findings: findings,
            approval: isApproved ? approval(of: submission, for: routed) : nil,
            refusal: isApproved ? nil : refused.first?.refusal,
            refused: refused
        )
    }

    /// The findings up to the first refusal.
    private func examineWhole(_ submission: Submission) -> [Finding] {
        let client = submission.client
        let questions: [() -> Finding] =
            [
                { examineTLS(client) },
                { examineSubmit(client) },
                { examineSender(submission.sender, of: client) },
            ]
            + submission.authors.map { author in
                { examineSender(.mailbox(author), of: client) }
            } + [
                { examineCount(ofRecipients: submission.recipients.count, of: client) },
                { examineSize(submission.octets, of: client) },
                { examineHops(submission.hops, of: client) },
            ]
        var findings = [
            Finding(.connector, "\(client.connector.name) serves \(client.peer)")
        ]
        for question in questions {
            findings.append(question())
            if findings.last?.refusal != nil { break }
        }
        return findings
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
            sender: submission.sender,
            recipients: recipients
        )
    }
}
