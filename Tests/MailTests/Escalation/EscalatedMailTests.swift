import Testing

@testable import Mail

@Suite("A mail on its way to somebody else") struct EscalatedMailTests {
    private var mail: EscalatedMail {
        var recipient = EscalatedMail.Recipient(
            mailbox: Mailbox(localPart: "ops", domain: "corp.example"),
            state: "failed, and is not tried again"
        )
        recipient.reply = (550, "5.1.1", "no\r\nsuch user")
        recipient.remoteHost = "mx.example"
        let moment = Timestamp(milliseconds: 1_700_000_000_000)
        var mail = EscalatedMail(
            by: "relay.corp.example",
            from: Mailbox(localPart: "postmaster", domain: "corp.example"),
            to: Mailbox(localPart: "oncall", domain: "corp.example"),
            date: moment,
            messageID: "<b@relay>",
            because: "not delivered within 10m",
            about: "msg_1",
            of: "backup",
            sender: "backup@corp.example",
            sent: moment,
            recipients: [recipient]
        )
        mail.subject = "Disk\r\nBcc: x@y.example"
        mail.originalMessageID = "<a@relay>"
        return mail
    }

    private func header(_ text: String) -> HeaderBlock {
        HeaderBlock(parsing: Array(text.utf8).span)
    }

    private func text(_ mail: EscalatedMail) -> (before: String, behind: String) {
        let octets = mail.octets(boundary: 1)
        return (String(octets: octets.before.span), String(octets: octets.behind.span))
    }

    @Test("it says who, what, since when and what the next hop said")
    func words() {
        let (before, behind) = text(mail)
        for line in [
            "To: oncall@corp.example", "References: <a@relay>", "Importance: high",
            "X-Postern-Escalated: msg_1", "Auto-Submitted: auto-generated",
            "Why:         not delivered within 10m", "Application: backup",
            "From:        backup@corp.example",
            "Sent:        Tue, 14 Nov 2023 22:13:20 +0000",
            "    ops@corp.example failed, and is not tried again",
            "        mx.example said: 550 5.1.1 no  such user",
            "    postern message events msg_1",
        ] { #expect(before.contains(line + "\r\n"), "\(line)") }
        #expect(before.contains("The mail itself is not at hand here."))
        #expect(behind == "\r\n--=_escalated.1--\r\n")
    }

    @Test("no text from outside begins a line of its own")
    func injection() {
        #expect(!text(mail).before.contains("\r\nBcc:"))
        #expect(text(mail).before.contains("\r\nSubject: [escalated] Disk"))
        var foreign = mail
        foreign.originalMessageID = "<a@relay>\r\nBcc: x@y.example"
        #expect(!text(foreign).before.contains("\r\nBcc:"))
        #expect(!text(foreign).before.contains("References"))
    }

    static let headers: [(String, kept: [String], dropped: [String])] = [
        (
            "Subject: x\r\nContent-Type: multipart/alternative;\r\n boundary=b\r\nMIME-Version: 1.0\r\n",
            ["Content-Type: multipart/alternative;\r\n boundary=b"], ["Subject: x\r\n"]
        ),
        (
            "content-transfer-encoding: base64\r\nContent-Length: 5\r\nX-Content: y\r\n",
            ["content-transfer-encoding: base64"], ["Content-Length", "X-Content"]
        ),
        ("", [], ["Content-Length"]),
    ]

    @Test("the body comes along with what describes it, and nothing else", arguments: headers)
    func body(of fields: String, kept: [String], dropped: [String]) {
        var mail = mail
        mail.header = header(fields)
        let (before, behind) = text(mail)
        let part = before.components(separatedBy: "--=_escalated.1\r\n").last ?? ""
        #expect(part == kept.map { $0 + "\r\n" }.joined() + "\r\n")
        for field in dropped { #expect(!part.contains(field)) }
        #expect(before.contains("The mail itself follows."))
        #expect(behind == "\r\n--=_escalated.1--\r\n")
    }
}

extension String {
    fileprivate func components(separatedBy mark: String) -> [String] {
        split(separator: mark, omittingEmptySubsequences: false).map(String.init)
    }
}
