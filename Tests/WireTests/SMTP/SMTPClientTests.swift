import Mail
import Testing
import Wire

@Suite("The client's words")
struct SMTPClientTests {
    static let anna = Mailbox(localPart: "anna", domain: "corp.example")

    static let commands: [(SMTPClientCommand, String)] = [
        (.ehlo("relay.example"), "EHLO relay.example\r\n"),
        (.helo("[192.0.2.1]"), "HELO [192.0.2.1]\r\n"),
        (.startTLS, "STARTTLS\r\n"),
        (.authPlain(username: "u", password: "p"), "AUTH PLAIN AHUAcA==\r\n"),
        (.authLogin, "AUTH LOGIN\r\n"),
        (.authResponse(Array("printer".utf8)), "cHJpbnRlcg==\r\n"),
        (.authResponse([]), "\r\n"),
        (.auth(mechanism: "EXTERNAL", initialResponse: []), "AUTH EXTERNAL =\r\n"),
        (.authCancel, "*\r\n"),
        (.mail(.null), "MAIL FROM:<>\r\n"),
        (
            .mail(
                .mailbox(anna),
                SMTPMailParameters(
                    size: 7,
                    body: .eightBitMIME,
                    smtpUTF8: true,
                    returns: .headers,
                    envelopeID: EnvelopeID(text: "a+b c")
                )
            ),
            "MAIL FROM:<anna@corp.example> SIZE=7 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=a+2Bb+20c\r\n"
        ),
        (.rcpt(anna), "RCPT TO:<anna@corp.example>\r\n"),
        (
            .rcpt(
                anna,
                DSNRecipient(
                    notify: [.failure, .delay],
                    originalRecipient: OriginalRecipient(field: "rfc822;a=b@x")
                )
            ),
            "RCPT TO:<anna@corp.example> NOTIFY=FAILURE,DELAY ORCPT=rfc822;a+3Db@x\r\n"
        ),
        (.rcpt(anna, DSNRecipient(notify: .never)), "RCPT TO:<anna@corp.example> NOTIFY=NEVER\r\n"),
        (.bdat(octets: 86, isLast: false), "BDAT 86\r\n"),
        (.bdat(octets: 0, isLast: true), "BDAT 0 LAST\r\n"),
        (.data, "DATA\r\n"), (.rset, "RSET\r\n"), (.quit, "QUIT\r\n"),
    ]
    @Test("a command is one line", arguments: commands)
    func formatting(_ command: SMTPClientCommand, _ expected: String) {
        #expect(String(decoding: command.octets, as: UTF8.self) == expected)
    }

    static let injections: [SMTPClientCommand] = [
        .ehlo("x\r\nMAIL FROM:<>"), .helo("x\ny"),
        .auth(mechanism: "A\rB", initialResponse: nil),
        .rcpt(Mailbox(localPart: "a\r\nDATA", domain: "b\nc")),
        .mail(.mailbox(Mailbox(localPart: "a>\r\nQUIT", domain: "b"))),
    ]
    @Test("no argument can become a second command", arguments: injections)
    func injection(_ command: SMTPClientCommand) {
        let octets = command.octets
        #expect(octets.suffix(2) == [13, 10])
        #expect(!octets.dropLast(2).contains { $0 < 32 })
    }

    @Test("what a server offers is understood in any case and either form of AUTH")
    func capabilities() {
        let reply = SMTPReply(
            250,
            nil,
            lines: [
                "mx.example STARTTLS", "size 37748736", "PIPELINING", "DSN", "StartTLS",
                "ENHANCEDSTATUSCODES", "AUTH LOGIN plain", "AUTH=LOGIN XOAUTH2", "8BITMIME",
                "SMTPUTF8", "CHUNKING", "BINARYMIME", "X-EXPS", "",
            ]
        )
        let offer = SMTPCapabilities(reply)
        #expect(offer.size == 37_748_736 && offer.declaresSize)
        #expect(offer.authMechanisms == ["LOGIN", "PLAIN", "XOAUTH2"])
        #expect(offer.dsn && offer.chunking && offer.binaryMIME)
        #expect(offer.pipelining && offer.startTLS && offer.eightBitMIME && offer.smtpUTF8)
    }

    static let sizes: [(String, Int?)] = [
        ("SIZE", nil), ("SIZE 0", nil), ("SIZE x", nil), ("SIZE 99999999999999999999", nil),
        ("SIZE 1", 1),
    ]
    @Test("a size without a limit is no limit", arguments: sizes)
    func size(_ line: String, _ expected: Int?) {
        let offer = SMTPCapabilities(SMTPReply(250, nil, lines: ["mx", line]))
        #expect(offer.size == expected)
        #expect(offer.declaresSize)
    }

    @Test("the greeting's own words are no offer")
    func greetingLine() {
        #expect(SMTPCapabilities(SMTPReply(250, nil, "STARTTLS")) == SMTPCapabilities())
    }
}
