extension EscalatedMail {
    /// Who, what, since when, and what the next hop said: for somebody who is woken by it.
    var words: String {
        var text = "This mail did not reach whom it was meant for. It is escalated to you.\n\n"
        for (name, value) in facts where !value.isEmpty {
            let label = name + ":"
            text += label + String(repeating: " ", count: 13 - label.count)
            text += DeliveryReport.line(value) + "\n"
        }
        for recipient in recipients {
            text += "\n    \(recipient.mailbox) \(recipient.state)\n"
            text += reply(of: recipient)
        }
        text += "\n"
        text += header == nil ? "The mail itself is not at hand here." : "The mail itself follows."
        text += " \(host) knows it as\n\(queueID); what became of it:\n\n"
        text += "    postern message events \(queueID)\n"
        return text
    }

    private var facts: [(String, String)] {
        [
            ("Why", reason), ("Application", application), ("From", sender), ("Subject", subject),
            ("Sent", sent.rfc5322),
        ]
    }

    private func reply(of recipient: Recipient) -> String {
        guard let reply = recipient.reply else { return "" }
        let kind = BounceClass(code: reply.code, enhanced: reply.enhanced, text: reply.text)
        let said = [reply.code == 0 ? nil : "\(reply.code)", reply.enhanced, reply.text]
            .compactMap { $0 }.joined(separator: " ")
        let who = recipient.remoteHost.map { "\($0) said" } ?? "The reason"
        return "        \(kind.explanation)\n        \(who): \(DeliveryReport.line(said))\n"
    }
}
