extension DeliveryReport {
    /// What stands before the subject of the mail.
    var title: String {
        switch kind {
        case .failed: "Undeliverable"
        case .delayed: "Delayed"
        case .delivered: "Delivered"
        case .relayed: "Relayed"
        }
    }

    /// What happened, to whom, and what can be done: for a reader who knows nothing of mail servers.
    var words: String {
        var text = happened + "\n"
        if !subject.isEmpty { text += "\nSubject: \(Self.line(subject))" }
        text += "\nSent: \(arrival.rfc5322)\n"
        for recipient in recipients {
            text += "\n    \(recipient.mailbox)\n"
            if kind == .failed || kind == .delayed { text += reason(for: recipient) }
        }
        text += "\n" + remedy + "\n\n"
        text += "This report was made by \(host); nobody reads replies to a machine, but\n"
        text += "\(from) can help. Please give this number: \(queueID)\n"
        return text
    }

    private var happened: String {
        let one = recipients.count == 1
        let those = one ? "this address" : "these addresses"
        switch kind {
        case .failed: return "Your mail was NOT delivered to \(those), and will not be tried again:"
        case .delayed:
            return "Your mail has not yet been delivered to \(those). It is still being tried;\n"
                + "you do not need to send it again."
        case .delivered: return "Your mail was delivered to \(those):"
        case .relayed:
            return "Your mail was handed on for \(those), to a mail server that sends no\n"
                + "confirmations. You will hear nothing more unless something goes wrong."
        }
    }

    private func reason(for recipient: Recipient) -> String {
        var text = ""
        if let cause = recipient.cause { text += "        \(cause.explanation)\n" }
        guard let reply = recipient.reply else { return text }
        let kind = BounceClass(code: reply.code, enhanced: reply.enhanced, text: reply.text)
        text += "        \(kind.explanation)\n"
        let said = [reply.code == 0 ? nil : "\(reply.code)", reply.enhanced, reply.text]
            .compactMap { $0 }.joined(separator: " ")
        let who = recipient.remoteHost.map { "\($0) said" } ?? "The reason"
        text += "        \(who): \(Self.line(said))\n"
        return text
    }

    private var remedy: String {
        switch kind {
        case .failed:
            let kinds = recipients.compactMap(\.reply).map {
                BounceClass(code: $0.code, enhanced: $0.enhanced, text: $0.text)
            }
            var advice =
                recipients.contains { $0.cause == .suppressed }
                ? ["Where such an address takes mail again, ask \(from) to take it off that list."]
                : []
            for kind in kinds where !advice.contains(kind.advice) { advice.append(kind.advice) }
            let general = "Check the address and send the mail again."
            return "What you can do: "
                + (advice.isEmpty ? general : advice.joined(separator: "\n"))
        case .delayed:
            guard let retriesUntil else { return "You need to do nothing." }
            return "You need to do nothing. If it is not delivered by \(retriesUntil.rfc5322),\n"
                + "you will get another report."
        case .delivered, .relayed: return "You need to do nothing."
        }
    }

    static func line(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.prefix(500).map { $0.value < 32 ? " " : $0 }
            )
        )
    }
}

extension DeliveryReport.Cause {
    fileprivate var explanation: String {
        switch self {
        case .expired: "It could not be delivered in the time it was given."
        case .suppressed: "Nothing is sent there: the address is on the suppression list."
        }
    }
}

extension BounceClass {
    var explanation: String {
        switch self {
        case .badMailbox: "There is no such mailbox there."
        case .badDomain: "The part behind the @ is not known, or takes no mail."
        case .mailboxFull: "The mailbox is full."
        case .inactive: "The mailbox does not take mail at present."
        case .size: "The mail is too large for the receiving side."
        case .content: "The receiving side does not accept what the mail contains."
        case .spam: "The receiving side takes the mail for spam."
        case .reputation: "The receiving side does not trust the server that sent the mail."
        case .senderAuthentication: "The sender's domain could not be confirmed (SPF, DKIM, DMARC)."
        case .policy: "The receiving side does not allow it."
        case .authentication: "The next mail server wants a logon or encryption it did not get."
        case .quota: "Too much mail was sent in a short time."
        case .routing: "No way to the receiving side was found."
        case .connection: "The next mail server could not be reached."
        case .expired: "It took too long."
        case .protocol: "The receiving side did not understand the mail."
        case .system: "The receiving side has trouble of its own."
        case .other: "The receiving side did not accept the mail."
        }
    }

    fileprivate var advice: String {
        switch self {
        case .badMailbox, .badDomain, .inactive:
            "Check the address for mistakes, or ask the recipient for a current one."
        case .mailboxFull: "Tell the recipient in another way, and send it again later."
        case .size: "Send it in smaller parts, or put the files where they can be fetched."
        case .content, .spam: "Change the text or leave out attachments, and send it again."
        case .reputation, .senderAuthentication, .policy, .authentication, .quota, .routing,
            .protocol:
            "Forward this report to your administrator."
        case .connection, .expired, .system, .other:
            "Send the mail again later; if that fails too, forward this report to your administrator."
        }
    }
}
