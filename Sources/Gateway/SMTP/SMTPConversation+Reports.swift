import Delivery
import Mail
import Policy
import Store
import Wire

/// Reports that come back to a return address of ours.
extension SMTPConversation {
    /// What it says is written down first; then the mail goes on to whom it was meant for in the first
    /// place, the sender of the mail it is about. Whoever sends it again after a failure does no harm.
    func takeReport(_ mail: RawMail, _ facts: SMTPTransactionFacts) async throws(StoreError) {
        var heirs: [Mailbox] = []
        for id in Set(facts.reportedMessages) {
            let heir = try await gateway.takeReport(mail, about: id)
            if let heir, !heirs.contains(heir) { heirs.append(heir) }
        }
        let reply = SMTPReply(250, "2.6.0", "\(mail.header.messageID ?? "Report") noted")
        guard !heirs.isEmpty else {
            facts.intake?.abandon()
            visit.sighting.messages += 1
            session.accept(reply)
            return
        }
        var forwarded = SMTPTransactionFacts(sender: .null, parameters: facts.parameters)
        forwarded.recipients = heirs
        let configuration = gateway.configuration
        let offer = arrival(of: mail, forwarded, from: client.with(principal: .postern)).offer(
            at: gateway.clock(),
            hostname: configuration.hostname,
            postmaster: configuration.postmaster
        )
        switch offer {
        case .failure:
            // It says what it says; only nobody else can read it.
            facts.intake?.abandon()
            session.accept(reply)
        case .success(let offer):
            try await take(offer, key: nil)
        }
    }
}

extension House {
    /// Which of our mails an address stands for; nil where it is none of ours, or forged.
    func reportedMessage(of mailbox: Mailbox) -> MessageID? {
        returnPath?.message(of: mailbox)
    }

    /// Answers to whom the report goes on; nil where nobody wants it.
    fileprivate func takeReport(
        _ mail: RawMail,
        about id: MessageID
    ) async throws(StoreError) -> Mailbox? {
        guard let record = try await store.message(id) else {
            log.info("report about mail that is no longer known", ["id": id.description])
            return nil
        }
        let report = ReceivedReport(header: mail.header, body: mail.beginning)
        let findings = report.map { record.findings(in: $0, at: clock()) } ?? []
        if !findings.isEmpty {
            let changed = try await store.note(findings, of: record.key, at: clock())
            // What was uncertain may have been waiting for its next attempt.
            dispatcher?.forget(changed)
            if !changed.isEmpty { waiting.settled(id) }
            for finding in findings {
                log.info(
                    "report",
                    [
                        "id": id.description, "action": finding.action,
                        "recipient": record.recipients[finding.index].mailbox.description,
                        "reply": finding.reply.text,
                    ]
                )
            }
        }
        return record.heir(of: findings, accepting: configuration.rulebook)
    }
}

extension MessageRecord {
    /// What a report says of each recipient. Where there is but one on either side, they are the same
    /// one, whatever aliases have made of its name.
    fileprivate func findings(in report: ReceivedReport, at now: Timestamp) -> [ReportFinding] {
        report.recipients.compactMap { told in
            var index = recipients.firstIndex { told.concerns($0.mailbox) }
            if index == nil, recipients.count == 1, report.recipients.count == 1 { index = 0 }
            return index.map { told.finding(about: $0, at: now) }
        }
    }

    /// The sender of the mail, where it may hear of it (no backscatter) and has not said otherwise.
    fileprivate func heir(of findings: [ReportFinding], accepting rules: Rulebook) -> Mailbox? {
        guard case .mailbox(let sender) = sender,
            application != nil || rules.accepts(sender.domain) != nil
        else { return nil }
        let wishes = (findings.isEmpty ? Array(recipients.indices) : findings.map(\.index))
            .map { recipients[$0].reports.notify }
        return wishes.contains { $0 != .some(.never) } ? sender : nil
    }
}

extension ReceivedReport.Recipient {
    fileprivate func finding(about index: Int, at now: Timestamp) -> ReportFinding {
        let status: RecipientStatus? =
            switch action {
            case "failed": .failed
            // A list that was expanded has got it (RFC 3464 §2.3.3).
            case "delivered", "expanded": .delivered
            default: nil
            }
        let reply = reply
        let kind = BounceClass(code: reply.code, enhanced: self.status, text: reply.text)
        var detail = [
            ("enhanced", self.status), ("text", reply.text), ("host", remoteHost ?? ""),
            ("final_recipient", final),
        ]
        if reply.code != 0 { detail.insert(("code", String(reply.code)), at: 0) }
        if status == .failed { detail.append(("class", kind.rawValue)) }
        return ReportFinding(
            index: index,
            status: status,
            action: action,
            reply: NextHopReply(
                code: reply.code,
                enhanced: self.status.isEmpty ? nil : self.status,
                text: reply.text,
                host: remoteHost ?? "",
                at: now
            ),
            detail: detail.filter { !$0.1.isEmpty }
        )
    }
}
