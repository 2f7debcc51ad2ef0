/// What became of a mail, told to its sender: in plain words first, then for programs (RFC 3464), then
/// the mail itself or its header, as one multipart/report (RFC 6522).
package struct DeliveryReport: Sendable {
    package enum Kind: Sendable, CaseIterable {
        case failed, delayed, delivered, relayed
    }

    package enum Cause: Sendable {
        case expired, suppressed
    }

    package struct Recipient: Sendable {
        package var mailbox: Mailbox
        /// As ORCPT named it.
        package var original: OriginalRecipient?
        /// An enhanced status code.
        package var status: String
        /// What the next hop said; a code of 0 is the gateway's own finding.
        package var reply: (code: Int, enhanced: String?, text: String)?
        /// Name or address of who said it.
        package var remoteHost: String?
        package var lastAttempt: Timestamp?
        /// Why it failed, where that is the gateway's own doing.
        package var cause: Cause?

        package init(mailbox: Mailbox, status: String) {
            self.mailbox = mailbox
            self.status = status
        }
    }

    /// How much of the mail comes back (RFC 3461 §4.3).
    package enum Returned: Sendable {
        case header, whole
    }

    package var kind: Kind
    /// The gateway's name.
    package var host: String
    package var from: Mailbox
    package var to: Mailbox
    package var date: Timestamp
    /// With its angle brackets.
    package var messageID: String
    package var recipients: [Recipient]
    /// Of the mail that is reported about.
    package var subject = ""
    package var originalMessageID = ""
    package var envelopeID: EnvelopeID?
    package var arrival: Timestamp
    package var queueID: String
    /// Until when a delayed mail is tried.
    package var retriesUntil: Timestamp?
    package var returned = Returned.header
    /// The returned part holds octets beyond ASCII.
    package var returnsEightBit = false

    package init(
        _ kind: Kind,
        by host: String,
        from: Mailbox,
        to: Mailbox,
        date: Timestamp,
        messageID: String,
        about queueID: String,
        arrival: Timestamp,
        recipients: [Recipient]
    ) {
        self.kind = kind
        self.host = host
        self.from = from
        self.to = to
        self.date = date
        self.messageID = messageID
        self.queueID = queueID
        self.arrival = arrival
        self.recipients = recipients
    }

    /// All that stands before the returned octets, and behind them. No line of those may be the
    /// boundary: let the seed be random.
    package func octets(boundary seed: UInt64) -> (before: [UInt8], behind: [UInt8]) {
        let boundary = "=_report." + String(seed, radix: 36)
        var octets: [UInt8] = []
        appendHeader(boundary, to: &octets)
        octets.append("\r\n--\(boundary)\r\n")
        octets.appendTextPart(words)
        octets.append("\r\n--\(boundary)\r\nContent-Type: message/delivery-status\r\n\r\n")
        appendStatus(to: &octets)
        octets.append("\r\n--\(boundary)\r\nContent-Type: ")
        octets.append(returned == .whole ? "message/rfc822" : "text/rfc822-headers")
        if returned == .header, returnsEightBit { octets.append("; charset=utf-8") }
        if returnsEightBit { octets.append("\r\nContent-Transfer-Encoding: 8bit") }
        octets.append("\r\n\r\n")
        return (octets, Array("\r\n--\(boundary)--\r\n".utf8))
    }

    private func appendHeader(_ boundary: String, to octets: inout [UInt8]) {
        octets.append("Date: ")
        octets.append(rfc5322: date)
        octets.append("\r\n")
        octets.appendField(
            "From",
            addresses: [NamedMailbox(name: "Mail Delivery System", mailbox: from)]
        )
        octets.appendField("To", addresses: [NamedMailbox(mailbox: to)])
        octets.appendField("Subject", text: "\(title): \(subject.isEmpty ? "your mail" : subject)")
        octets.appendThread(messageID, about: originalMessageID)
        // RFC 3834 §5.
        octets.append("Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n")
        octets.appendField(
            "Content-Type",
            tokens: [
                "multipart/report;", "report-type=delivery-status;", "boundary=\"\(boundary)\"",
            ]
        )
    }
}
