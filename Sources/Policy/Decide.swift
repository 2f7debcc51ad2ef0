import Mail

extension Rulebook {
    /// The one decision of both doors, in the order in which SMTP learns the facts: 2–4 and 6 of the
    /// envelope, then 5 and 7 of each recipient, then 4 and 6 of the content. `partially`: the
    /// allowed recipients are approved though others are refused.
    package func decide(_ submission: Submission, partially: Bool = false) -> Decision {
        let client = submission.client
        var findings = [
            Finding(.connector, "\(client.connector.name) serves \(client.peer)")
        ]
        if let refusal = ask(envelope(of: submission), into: &findings) {
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
        if let refusal = ask(content(of: submission), into: &findings) {
            return Decision(findings: findings, approval: nil, refusal: refusal, refused: [])
        }
        return Decision(
            findings: findings,
            approval: approval(of: submission, for: routed),
            refusal: nil,
            refused: refused
        )
    }

    private typealias Question = () -> Finding

    /// Adds the findings up to the first refusal and answers it.
    private func ask(_ questions: [Question], into findings: inout [Finding]) -> Refusal? {
        for question in questions {
            let finding = question()
            findings.append(finding)
            if let refusal = finding.refusal { return refusal }
        }
        return nil
    }

    private func envelope(of submission: Submission) -> [Question] {
        let client = submission.client
        return [
            { examineTLS(client) },
            { examineSubmit(client) },
            { examineSender(submission.sender, of: client) },
            { examineSize(submission.octets, of: client) },
            { examineCount(ofRecipients: submission.recipients.count, of: client) },
        ]
    }

    private func content(of submission: Submission) -> [Question] {
        let client = submission.client
        return submission.authors.map { author in
            { examineSender(.mailbox(author), of: client) }
        } + [{ examineHops(submission.hops, of: client) }]
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
