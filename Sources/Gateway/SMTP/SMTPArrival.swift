import Mail
import Policy
import Store
import Wire

/// A whole mail from SMTP, made ready for the desk.
struct SMTPArrival {
    let client: Client
    let facts: SMTPTransactionFacts
    let mail: RawMail
    let helo: String?
    let isExtended: Bool
    let isAuthenticated: Bool
    /// What Received tells beside: the version of TLS, or who a local user is.
    let comment: String?

    func offer(
        at now: Timestamp,
        hostname: String,
        postmaster: Mailbox
    ) -> Result<Offer, Reply> {
        guard mail.header.all("From").count <= 1 else {
            return .failure(Reply(550, "5.6.0", "Message has more than one From field"))
        }
        var mail = mail
        if client.mayWriteAsAnyone {
            mail.mendAuthors(sentBy: facts.sender.mailbox ?? postmaster)
        }
        guard let authors = mail.authors else {
            return .failure(Reply(550, "5.6.0", "Message has an invalid From or Sender field"))
        }
        let id = MessageID(at: now)
        let (content, found) = mail.prepared(
            for: .init(
                sender: facts.sender,
                postmaster: postmaster,
                now: now,
                messageID: "<\(id)@\(hostname)>"
            ),
            trace: trace(id, now, hostname)
        )
        var details = found
        details.origin = "smtp"
        details.peer = client.peer.description
        details.requiresSMTPUTF8 = requiresSMTPUTF8
        if facts.parameters.smtpUTF8 { details.traits.insert(.isInternational) }
        if facts.parameters.body == .binaryMIME { details.traits.insert(.isBinary) }
        details.returns = facts.parameters.returns
        details.envelopeID = facts.parameters.envelopeID
        let submission = Submission(
            client: client,
            sender: facts.sender,
            recipients: facts.recipients,
            authors: authors,
            // What the gateway adds does not count: SIZE said what a client may send.
            octets: mail.octets,
            hops: mail.header.hops
        )
        return .success(
            Offer(
                submission: submission,
                id: id,
                createdAt: now,
                content: content,
                details: details,
                reports: facts.reports
            )
        )
    }

    /// Declared, and not only as a matter of habit: such mail goes to next hops with SMTPUTF8 alone.
    private var requiresSMTPUTF8: Bool {
        guard facts.parameters.smtpUTF8 else { return false }
        return facts.recipients.contains(where: \.needsSMTPUTF8)
            || facts.sender.mailbox?.needsSMTPUTF8 == true || mail.needsSMTPUTF8
    }

    // The field is added to a mail that is known to hold nothing beyond ASCII, or not.
    private func trace(_ id: MessageID, _ now: Timestamp, _ hostname: String) -> [UInt8] {
        Received(
            helo: helo,
            peer: client.peer,
            hostname: hostname,
            transport: .smtp(
                isExtended: isExtended,
                isSecured: client.isSecure,
                isAuthenticated: isAuthenticated,
                isUTF8: facts.parameters.smtpUTF8
            ),
            id: id.description,
            recipient: facts.recipients.count == 1 ? facts.recipients[0].ifPlain : nil,
            date: now,
            comment: comment,
            connector: client.connector.name
        ).octets
    }
}

extension Mailbox {
    /// Nil where its name needs SMTPUTF8.
    fileprivate var ifPlain: Mailbox? { needsSMTPUTF8 ? nil : self }
}
