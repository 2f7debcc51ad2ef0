import Mail
import Net
import Policy
import Store
import Wire

/// MAIL and RCPT: the rules are asked where their facts are first known.
extension SMTPConversation {
    /// Rules 2, 3, 4, and what of 6 is known at MAIL. False when the client is sent away.
    func begin(_ sender: ReversePath, _ parameters: SMTPMailParameters) -> Bool {
        dropTransaction()
        guard renewClient() else {
            refuse(.noConnector, at: "MAIL", sender.description)
            return false
        }
        let rules = gateway.configuration.rulebook
        var findings = [rules.examineTLS(client), rules.examineSubmit(client)]
        findings.append(rules.examineSender(sender, of: client))
        if let size = parameters.size { findings.append(rules.examineSize(size, of: client)) }
        if let refusal = findings.lazy.compactMap(\.refusal).first {
            refuse(refusal.reply, at: "MAIL", sender.description)
            return true
        }
        guard isWithinRates() else {
            refuse(.rateExceeded, at: "MAIL", sender.description)
            return false
        }
        if hasFailedLogon, identity == nil {
            note("mail after a failed logon is taken as the anonymous client's")
        }
        transaction = SMTPTransactionFacts(sender: sender, parameters: parameters)
        if !session.accept() { transaction = nil }
        return true
    }

    func isWithinRates() -> Bool {
        let now = gateway.clock()
        let rates = [
            Rate(client.connector, client.peer),
            Rate(client.connector, networkOf: client.peer),
            identity?.application.flatMap { Rate($0) },
        ]
        return rates.compactMap { $0 }.allSatisfy { rate in
            gateway.rates.take(1, of: rate.bucket, perMinute: rate.quota, at: now).isAllowed
        }
    }

    /// Rules 5, 6 and 7 at RCPT.
    func add(_ recipient: SMTPRecipient, _ parameters: DSNRecipient) {
        guard let mailbox = gateway.configuration.mailbox(for: recipient, at: stream.local.ip)
        else {
            refuse(Reply(550, "5.1.1", "User unknown"), at: "RCPT", "\(recipient)")
            return
        }
        if let id = gateway.reportedMessage(of: mailbox) {
            transaction?.reportedMessages.append(id)
            session.accept()
            return
        }
        if transaction?.recipients.contains(mailbox) == true {
            session.accept()
            return
        }
        let rules = gateway.configuration.rulebook
        let count = (transaction?.recipients.count ?? 0) + 1
        let octets = transaction?.parameters.size ?? 0
        let findings = [
            rules.examineRecipient(mailbox, of: client),
            rules.examineCount(ofRecipients: count, of: client),
            rules.examineRoute(to: mailbox, from: client, octets: octets).finding,
        ]
        if let refusal = findings.lazy.compactMap(\.refusal).first {
            refuse(refusal.reply, at: "RCPT", mailbox.description)
            return
        }
        transaction?.recipients.append(mailbox)
        if parameters != DSNRecipient() { transaction?.reports[mailbox] = parameters }
        session.accept()
    }

    func refuse(_ reply: Reply, at command: String, _ subject: String) {
        session.refuse(SMTPReply(reply))
        noteRefused(reply, at: command, subject)
    }

    /// For the operator, and for whoever counts.
    func noteRefused(_ reply: Reply, at command: String, _ subject: String) {
        visit.sighting.refusals += 1
        gateway.noteRefused(by: client.connector.name, .smtp)
        gateway.log.info(
            "refused",
            [
                "connector": client.connector.name, "peer": client.peer.description,
                "at": command, "subject": subject,
                "reply": "\(reply.code) \(reply.enhanced) \(reply.text)",
            ]
        )
    }
}
