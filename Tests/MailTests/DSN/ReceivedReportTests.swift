import Testing

@testable import Mail

private func lines(_ text: String) -> [UInt8] {
    Array(
        text.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\r\n").utf8
    )
}

private func read(_ mail: String) -> ReceivedReport? {
    let octets = lines(mail)
    guard let end = mail.firstRange(of: "\n\n") else { return nil }
    let head = lines(String(mail[..<end.lowerBound]))
    return ReceivedReport(
        header: HeaderBlock(parsing: octets.span),
        body: Array(octets[(head.count + 4)...])
    )
}

/// As Postfix 3.7 writes it.
private let postfix = """
    From: MAILER-DAEMON@next.example (Mail Delivery System)
    To: bounce@corp.example
    Subject: Undelivered Mail Returned to Sender
    Auto-Submitted: auto-replied
    MIME-Version: 1.0
    Content-Type: multipart/report; report-type=delivery-status;
    \tboundary="4XyZ.1700000000/next.example"

    This is a MIME-encapsulated message.

    --4XyZ.1700000000/next.example
    Content-Description: Notification
    Content-Type: text/plain; charset=us-ascii

    <bad@x.example>: host mx said: 550 5.1.1 User unknown

    --4XyZ.1700000000/next.example
    Content-Description: Delivery report
    Content-Type: message/delivery-status

    Reporting-MTA: dns; next.example
    X-Postfix-Queue-ID: 4XyZ
    Arrival-Date: Tue, 14 Nov 2023 22:13:20 +0000 (UTC)

    Final-Recipient: rfc822; bad@x.example
    Original-Recipient: rfc822;Bad+1@corp.example
    Action: failed
    Status: 5.1.1
    Remote-MTA: dns; mx.x.example
    Diagnostic-Code: smtp; 550 5.1.1 <bad@x.example>: Recipient address rejected:
        User unknown

    --4XyZ.1700000000/next.example
    Content-Description: Undelivered Message
    Content-Type: message/rfc822

    Subject: x

    Content-Type: message/delivery-status

    Final-Recipient: rfc822; innocent@x.example
    Action: failed
    Status: 5.0.0

    --4XyZ.1700000000/next.example--
    """

@Suite("A report from outside") struct ReceivedReportTests {
    @Test("of Postfix is understood, and nothing in the mail it returns is taken for it")
    func fromPostfix() throws {
        let report = try #require(read(postfix))
        #expect(report.recipients.count == 1)
        let recipient = report.recipients[0]
        #expect(recipient.action == "failed" && recipient.status == "5.1.1")
        #expect(recipient.final == "bad@x.example" && recipient.original == "Bad+1@corp.example")
        #expect(recipient.remoteHost == "mx.x.example")
        #expect(recipient.reply.code == 550)
        #expect(recipient.reply.text.hasSuffix("User unknown"))
        #expect(recipient.concerns(Mailbox(localPart: "bad+1", domain: "corp.example")))
        #expect(!recipient.concerns(Mailbox(localPart: "good", domain: "corp.example")))
    }

    /// Either is forbidden by RFC 3464 §2.1 and seen all the same.
    @Test(
        "is understood in base64 and in quoted-printable",
        arguments: ["base64", "Quoted-Printable"]
    )
    func encoded(encoding: String) throws {
        let plain =
            "Reporting-MTA: dns; x\n\nFinal-Recipient: rfc822; j=r@x.example\n"
            + "Action: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 Unknown\n"
        var coded = plain.replacing("=", with: "=3D").replacing("failed", with: "fa=\nil=65d  ")
        if encoding == "base64" {
            let octets = lines(plain)
            var encoder = Base64Encoder(lineLength: 76)
            var output: [UInt8] = []
            encoder.encode(octets.span, into: &output)
            encoder.finish(into: &output)
            coded = String(decoding: output, as: UTF8.self).replacing("\r\n", with: "\n")
        }
        let report = try #require(
            read(
                "Content-Type: multipart/report; report-type=delivery-status; boundary=x\n\n--x\n"
                    + "Content-Type: message/delivery-status\nContent-Transfer-Encoding: \(encoding)\n\n"
                    + coded + "\n--x--\n"
            )
        )
        #expect(report.recipients.count == 1)
        #expect(report.recipients[0].final == "j=r@x.example")
        #expect(report.recipients[0].action == "failed" && report.recipients[0].status == "5.1.1")
        #expect(report.recipients[0].reply == (550, "Unknown"))
    }

    @Test(
        "quoted-printable is read leniently",
        arguments: [
            ("a=3Db", "a=b"), ("a=3db", "a=b"), ("soft=\r\nbreak", "softbreak"),
            ("soft= \t\nbreak", "softbreak"),
            ("end \t\r\nline", "end\r\nline"), ("kept=20\r\nline", "kept \r\nline"),
            ("no=code", "no=code"),
            ("cut=", "cut"), ("cut=4", "cut=4"), ("=3D=3D", "=="), ("a=\rb", "ab"),
        ]
    )
    func quotedPrintable(text: String, meaning: String) {
        #expect(
            String(decoding: QuotedPrintable.decode(Array(text.utf8)[...]), as: UTF8.self)
                == meaning
        )
    }

    @Test("of ours is understood by us", arguments: DeliveryReport.Kind.allCases)
    func ours(kind: DeliveryReport.Kind) throws {
        let now = Timestamp(milliseconds: 1_800_000_000_000)
        var told = DeliveryReport.Recipient(
            mailbox: try Mailbox(parsing: "jürgen@corp.example"),
            status: "5.1.1"
        )
        told.reply = (550, "5.1.1", "User unknown")
        told.remoteHost = "mx.corp.example"
        let report = DeliveryReport(
            kind,
            by: "relay.example",
            from: Mailbox(localPart: "postmaster", domain: "corp.example"),
            to: Mailbox(localPart: "a", domain: "corp.example"),
            date: now,
            messageID: "<1@relay.example>",
            about: "msg_1",
            arrival: now,
            recipients: [told, told]
        )
        let (before, behind) = report.octets(boundary: 7)
        let octets = before + lines("Subject: x\n") + behind
        #expect(octets.allSatisfy { $0 < 128 })
        let header = HeaderBlock(parsing: octets.span)
        let found = try #require(ReceivedReport(header: header, body: octets))
        #expect(found.recipients.count == 2)
        #expect(found.recipients[0].action == "\(kind)")
        #expect(found.recipients[0].final == "jürgen@corp.example")
        #expect(found.recipients[0].reply == (550, "User unknown"))
    }

    @Test("is none where it is something else")
    func others() {
        #expect(read("Subject: out of office\n\nI am away.\n") == nil)
        #expect(
            read(
                "Content-Type: multipart/report; report-type=disposition-notification; boundary=x\n\n--x\n"
            ) == nil
        )
        #expect(
            read(
                "Content-Type: multipart/report; report-type=delivery-status; boundary=x\n\n--x--\n"
            ) == nil
        )
        let noRecipients = """
            Content-Type: multipart/report; report-type=delivery-status; boundary=x

            --x
            Content-Type: message/delivery-status

            Reporting-MTA: dns; x

            --x--
            """
        #expect(read(noRecipients) == nil)
    }

    @Test("cut anywhere or full of garbage does no harm")
    func garbage() {
        let octets = lines(postfix)
        let header = HeaderBlock(parsing: octets.span)
        for end in octets.indices {
            _ = ReceivedReport(header: header, body: Array(octets[..<end]))
        }
        var dice = SeededGenerator(11)
        for _ in 0..<300 {
            var broken = octets
            for _ in 0..<20 {
                broken[Int.random(in: 0..<broken.count, using: &dice)] =
                    dice.octets(1, from: "\r\n-:;x\\{}\u{0}")[0]
            }
            _ = ReceivedReport(header: HeaderBlock(parsing: broken.span), body: broken)
        }
    }
}
