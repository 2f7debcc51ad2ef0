/// A mail that did not reach whom it was meant for in time, on its way to somebody else: first what
/// happened, in plain words, then the mail's own body as it was, so that it is read at once.
package struct EscalatedMail: Sendable {
    package struct Recipient: Sendable {
        package var mailbox: Mailbox
        /// How it stands, as the rest of a sentence: "failed, and is not tried again".
        package var state: String
        /// What the next hop said; a code of 0 is the gateway's own finding.
        package var reply: (code: Int, enhanced: String?, text: String)?
        /// Name or address of who said it.
        package var remoteHost: String?

        package init(mailbox: Mailbox, state: String) {
            self.mailbox = mailbox
            self.state = state
        }
    }

    /// The gateway's name.
    package var host: String
    package var from: Mailbox
    package var to: Mailbox
    package var date: Timestamp
    /// With its angle brackets.
    package var messageID: String
    package var importance = Importance.high
    /// Why it is escalated: "not delivered within 10m".
    package var reason: String
    /// Of the mail itself.
    package var application: String
    package var sender: String
    package var subject = ""
    package var sent: Timestamp
    package var originalMessageID = ""
    package var queueID: String
    package var recipients: [Recipient]
    /// The mail's header where its body comes along; nil where there is none to be had.
    package var header: HeaderBlock?

    package init(
        by host: String,
        from: Mailbox,
        to: Mailbox,
        date: Timestamp,
        messageID: String,
        because reason: String,
        about queueID: String,
        of application: String,
        sender: String,
        sent: Timestamp,
        recipients: [Recipient]
    ) {
        self.host = host
        self.from = from
        self.to = to
        self.date = date
        self.messageID = messageID
        self.reason = reason
        self.queueID = queueID
        self.application = application
        self.sender = sender
        self.sent = sent
        self.recipients = recipients
    }

    /// All that stands before the mail's body, and behind it. No line of that may be the boundary: let
    /// the seed be random.
    package func octets(boundary seed: UInt64) -> (before: [UInt8], behind: [UInt8]) {
        let boundary = "=_escalated." + String(seed, radix: 36)
        var octets: [UInt8] = []
        appendHeader(boundary, to: &octets)
        octets.append("\r\n--\(boundary)\r\n")
        octets.appendTextPart(words)
        guard let header else { return (octets, Array("\r\n--\(boundary)--\r\n".utf8)) }
        octets.append("\r\n--\(boundary)\r\n")
        // The body is a part like any other (RFC 2045 §2.5): what describes it comes along.
        for field in header.fields where field.describesBody { field.append(to: &octets) }
        octets.append("\r\n")
        return (octets, Array("\r\n--\(boundary)--\r\n".utf8))
    }

    private func appendHeader(_ boundary: String, to octets: inout [UInt8]) {
        octets.append("Date: ")
        octets.append(rfc5322: date)
        octets.append("\r\n")
        octets.appendField("From", addresses: [NamedMailbox(name: "Postern", mailbox: from)])
        octets.appendField("To", addresses: [NamedMailbox(mailbox: to)])
        octets.appendField(
            "Subject",
            text: "[escalated] \(subject.isEmpty ? "mail without a subject" : subject)"
        )
        octets.appendThread(messageID, about: originalMessageID)
        octets.appendField("Importance", tokens: [importance.importance])
        octets.appendField("X-Priority", tokens: [importance.xPriority])
        octets.appendField("X-Postern-Escalated", tokens: [queueID])
        // RFC 3834 §5.
        octets.append("Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n")
        octets.appendField(
            "Content-Type",
            tokens: ["multipart/mixed;", "boundary=\"\(boundary)\""]
        )
    }
}

extension HeaderField {
    /// Of a `Content-Length`, which some systems write, nobody can say what it counts.
    fileprivate var describesBody: Bool {
        name.lowercased().hasPrefix("content-") && !isNamed("Content-Length")
    }
}
