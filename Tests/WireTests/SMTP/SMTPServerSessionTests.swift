import Mail
import Testing

@testable import Wire

@Suite("The server's session")
struct SMTPServerSessionTests {
    private static func session(
        _ set: (inout SMTPServerOptions) -> Void = { _ in }
    ) -> SMTPServerSession {
        var options = SMTPServerOptions(fqdn: "relay.example", peer: "::1")
        set(&options)
        var session = SMTPServerSession(options, date: "DATE")
        _ = session.next()
        return session
    }

    /// What the session answers to one line, as long as it asks nothing.
    private static func answer(_ session: inout SMTPServerSession, _ line: String) -> String {
        session.receive((line + "\r\n").utf8.span)
        var answer = ""
        while let event = session.next() {
            switch event {
            case .reply(let octets), .goodbye(let octets, _):
                answer += String(decoding: octets, as: UTF8.self)
            default: answer += "?"
            }
        }
        return answer
    }

    static let banners: [(String?, String)] = [
        (nil, "220 relay.example Postern ESMTP ready at DATE\r\n"),
        ("220 Mail here", "220 Mail here\r\n"),
        ("Mail here", "220 Mail here\r\n"),
    ]
    @Test("the greeting comes first, in the configured words", arguments: banners)
    func greeting(_ banner: String?, _ expected: String) {
        var options = SMTPServerOptions(fqdn: "relay.example", peer: "::1")
        options.banner = banner
        var session = SMTPServerSession(options, date: "DATE")
        #expect(session.next() == .reply(Array(expected.utf8)))
        #expect(session.next() == nil)
    }

    static let lengths: [(String, Int, String)] = [
        ("NOOP ", 2046, "250 2.0.0 OK\r\n"),
        ("NOOP ", 2047, "500 5.5.2 Line too long\r\n"),
        ("NOOP ", 20_000, "500 5.5.2 Line too long\r\n"),
        ("AUTH PLAIN ", 12_286, "501 5.5.2 Cannot decode response\r\n"),
        ("auth PLAIN ", 12_287, "500 5.5.2 Line too long\r\n"),
    ]
    @Test("a line has a limit, counted with its end; the next line is heard", arguments: lengths)
    func lineLimit(_ verb: String, _ length: Int, _ expected: String) {
        for cuts in [Cuts.whole, .random(seed: 3), .everyOctet] {
            var session = Self.session {
                $0.authMechanisms = [.plain]
                $0.isSecure = true
            }
            _ = Self.answer(&session, "HELO x")
            let line = verb + String(repeating: "!", count: length - verb.utf8.count) + "\r\n"
            var said = ""
            for piece in cuts.pieces(of: Array(line.utf8)) {
                session.receive(piece.span)
                while case .reply(let octets)? = session.next() {
                    said += String(decoding: octets, as: UTF8.self)
                }
            }
            #expect(said == expected)
            #expect(Self.answer(&session, "NOOP") == "250 2.0.0 OK\r\n")
        }
    }

    @Test("suppressed keywords are not shown")
    func suppression() {
        var session = Self.session {
            $0.suppressedKeywords = ["PIPELINING", "SIZE", "SMTPUTF8", "DSN", "CHUNKING"]
            $0.messageSize = 5
        }
        let expected =
            "250-relay.example Hello [::1]\r\n250-ENHANCEDSTATUSCODES\r\n250 8BITMIME\r\n"
        #expect(Self.answer(&session, "EHLO x") == expected)
        #expect(session.isExtended && session.helloName == "x")
    }

    static let suppressed: [(String, String, String)] = [
        ("SIZE", "MAIL FROM:<> SIZE=5", "555 5.5.4 Unsupported parameter SIZE\r\n"),
        ("SMTPUTF8", "MAIL FROM:<> SMTPUTF8", "555 5.5.4 Unsupported parameter SMTPUTF8\r\n"),
        (
            "SMTPUTF8", "MAIL FROM:<ä@b.example>",
            "553 5.6.7 Address needs the SMTPUTF8 parameter\r\n"
        ),
        ("DSN", "MAIL FROM:<> RET=HDRS", "555 5.5.4 Unsupported parameter RET\r\n"),
        ("DSN", "MAIL FROM:<> ENVID=x", "555 5.5.4 Unsupported parameter ENVID\r\n"),
        ("8BITMIME", "MAIL FROM:<> BODY=8BITMIME", "501 5.5.4 Invalid arguments\r\n"),
        ("8BITMIME", "MAIL FROM:<> BODY=BINARYMIME", "?"),
        ("BINARYMIME", "MAIL FROM:<> BODY=BINARYMIME", "501 5.5.4 Invalid arguments\r\n"),
        ("CHUNKING", "MAIL FROM:<> BODY=BINARYMIME", "501 5.5.4 Invalid arguments\r\n"),
        ("8BITMIME,CHUNKING", "MAIL FROM:<> BODY=7BIT", "555 5.5.4 Unsupported parameter BODY\r\n"),
        ("CHUNKING", "BDAT 0 LAST", "500 5.3.3 Unrecognized command\r\n"),
        ("STARTTLS", "STARTTLS", "502 5.5.1 Command not implemented\r\n"),
        ("AUTH", "AUTH PLAIN", "504 5.7.4 Unrecognized authentication type\r\n"),
        ("AUTH", "MAIL FROM:<> AUTH=<>", "555 5.5.4 Unsupported parameter AUTH\r\n"),
        ("ENHANCEDSTATUSCODES", "NOOP", "250 OK\r\n"),
        ("ENHANCEDSTATUSCODES", "QUIT", "221 Service closing transmission channel\r\n"),
    ]
    @Test("what is suppressed is not understood either", arguments: suppressed)
    func absence(_ keywords: String, _ line: String, _ expected: String) {
        var session = Self.session {
            $0.suppressedKeywords = Set(keywords.split(separator: ",").map(String.init))
            $0.offersStartTLS = true
            $0.authMechanisms = [.plain]
            $0.allowsPlaintextAuthentication = true
        }
        _ = Self.answer(&session, "EHLO x")
        #expect(Self.answer(&session, line) == expected)
    }

    @Test("a limit of none is SIZE without a number, and AUTH may be allowed in the clear")
    func openKeywords() {
        var session = Self.session {
            $0.authMechanisms = [.login]
            $0.allowsPlaintextAuthentication = true
        }
        let answer = Self.answer(&session, "EHLO x")
        #expect(answer.contains("250-SIZE\r\n") && answer.contains("250-AUTH LOGIN\r\n"))
        #expect(Self.answer(&session, "AUTH LOGIN") == "334 VXNlcm5hbWU6\r\n")
    }

    @Test("a declared size over the limit is refused after the driver's own rules")
    func declaredSize() {
        var session = Self.session { $0.messageSize = 10 }
        _ = Self.answer(&session, "HELO x")
        #expect(Self.answer(&session, "MAIL FROM:<> SIZE=11") == "?")
        session.refuse(SMTPReply(530, "5.7.57", "no"))
        #expect(session.next() == .reply(Array("530 5.7.57 no\r\n".utf8)))
        #expect(Self.answer(&session, "MAIL FROM:<> SIZE=11") == "?")
        let isAccepted = session.accept()
        #expect(!isAccepted)
        #expect(session.next() == .reply(SMTPReply.tooLarge.octets))
    }

    @Test("a sender without a domain gets the default one, or is refused")
    func defaultDomain() {
        var session = Self.session { $0.defaultDomain = "corp.example" }
        _ = Self.answer(&session, "HELO x")
        session.receive("MAIL FROM:<root>\r\n".utf8.span)
        let root = Mailbox(localPart: "root", domain: "corp.example")
        #expect(session.next() == .mail(.mailbox(root), SMTPMailParameters()))

        var strict = Self.session()
        _ = Self.answer(&strict, "HELO x")
        #expect(Self.answer(&strict, "MAIL FROM:<root>") == "501 5.1.7 Invalid address\r\n")
    }

    @Test("a control character in a command is refused, in a hello replaced")
    func controls() {
        var session = Self.session()
        #expect(Self.answer(&session, "NOOP a\rb") == "500 5.5.2 Invalid characters in command\r\n")
        _ = Self.answer(&session, "HELO a\r\u{1b}b")
        #expect(session.helloName == "a??b")
    }

    static let farewells: [(String, SMTPFarewell)] = [
        ("QUIT\r\n", .quit),
        ("GET / HTTP/1.1\r\n", .speaksHTTP("GET / HTTP/1.1")),
        ("POST /in/psta_key/grafana HTTP/1.1\r\n", .speaksHTTP("POST /in/... HTTP/1.1")),
        ("get /in?k=psta_key HTTP/1.0\r\n", .speaksHTTP("get /in/... HTTP/1.0")),
        (
            "PROPFIND /\(String(repeating: "k", count: 17)) HTTP/1.1\r\n",
            .speaksHTTP("PROPFIND /... HTTP/1.1")
        ),
        ("PRI * HTTP/2.0\r\n", .speaksHTTP("PRI ... HTTP/2.0")),
        ("CONNECT key@mail.example:25\r\n", .speaksHTTP("CONNECT ...")),
        ("GET /x HTTP/1.1 peer=10.0.0.1\r\n", .speaksHTTP("GET /x")),
        ("\u{16}\u{3}\u{1}", .speaksTLS),
        (String(repeating: "x\r\n", count: 5), .tooManyErrors),
    ]
    @Test("a session that ends says why, and hears nothing more", arguments: farewells)
    func farewell(_ words: String, _ expected: SMTPFarewell) {
        var session = Self.session()
        session.receive(words.utf8.span)
        var last: SMTPServerEvent?
        while let event = session.next() { last = event }
        guard case .goodbye(_, expected)? = last else {
            Issue.record("\(String(describing: last))")
            return
        }
        #expect((expected.diagnosis == nil) == (expected == .quit))
        session.receive("NOOP\r\n".utf8.span)
        #expect(session.next() == nil)
    }

    @Test("a verb of HTTP in the middle is an unknown command")
    func lateHTTP() {
        var session = Self.session()
        _ = Self.answer(&session, "HELO x")
        #expect(Self.answer(&session, "GET / HTTP/1.1") == "500 5.3.3 Unrecognized command\r\n")
    }

    @Test("a logon that could not be judged is no failed logon")
    func temporaryFailure() {
        var session = Self.session {
            $0.authMechanisms = [.plain]
            $0.isSecure = true
            $0.maximumLogonFailures = 1
        }
        _ = Self.answer(&session, "HELO x")
        #expect(Self.answer(&session, "AUTH PLAIN AHUAcA==") == "?")
        session.refuse(SMTPReply(454, "4.7.0", "Temporary authentication failure"))
        _ = session.next()
        #expect(Self.answer(&session, "NOOP") == "250 2.0.0 OK\r\n")
        #expect(!session.isAuthenticated)
    }

    @Test("wrong addresses and refused recipients do not end the session")
    func patience() {
        var session = Self.session { $0.maximumProtocolErrors = 1 }
        _ = Self.answer(&session, "HELO x")
        #expect(Self.answer(&session, "MAIL FROM:<nobody>").hasPrefix("501 5.1.7"))
        _ = Self.answer(&session, "MAIL FROM:<>")
        session.accept()
        for _ in 0..<10 {
            #expect(
                Self.answer(&session, "RCPT TO:<a b>").hasSuffix("501 5.1.3 Invalid address\r\n")
            )
        }
        _ = Self.answer(&session, "RCPT TO:<a@b.example>")
        session.refuse(SMTPReply(550, "5.7.54", "no"))
        _ = session.next()
        #expect(Self.answer(&session, "DATA") == "503 5.5.2 Need rcpt command\r\n")
    }

    @Test("an answer that nobody asked for changes nothing")
    func unaskedAnswers() {
        var session = Self.session()
        let isAccepted = session.accept()
        #expect(!isAccepted)
        session.refuse(.tooLarge)
        #expect(session.next() == nil)
    }

    @Test("content that is too large is announced once and not delivered further")
    func largeContent() {
        var session = Self.session { $0.messageSize = 4 }
        session.receive("HELO x\r\nMAIL FROM:<>\r\nRCPT TO:<postmaster>\r\nDATA\r\n".utf8.span)
        var announcements = 0
        var delivered = 0
        let take = { (session: inout SMTPServerSession) in
            while let event = session.next() {
                if case .content(let octets) = event { delivered += octets.count }
                if event == .contentTooLarge { announcements += 1 }
                session.accept()
            }
        }
        take(&session)
        for _ in 0..<100 {
            session.receive("a\r\n".utf8.span)
            take(&session)
        }
        #expect(announcements == 1 && delivered == 3)
        session.receive(".\r\n".utf8.span)
        #expect(session.next() == .reply(SMTPReply.tooLarge.octets))
    }

    @Test(
        "random words never trap the session, and no kept mail has a bare line end",
        arguments: 1...200
    )
    func garbage(seed: Int) {
        let words = [
            "EHLO x", "HELO", "MAIL FROM:", "<a@b>", "RCPT TO:", "DATA", "\r\n", "\r\n", "\n", "\r",
            ".", ":", "<", ">", " ", "\"", "\\", "STARTTLS", "AUTH PLAIN", "AUTH LOGIN", "=", "*",
            "AHUAcA==", "RSET", "QUIT", "SIZE=", "9", "BDAT 9\r\n", "BDAT 3 LAST\r\n", "\u{16}",
            "\u{3}", "\0", "\u{fc}", "@",
        ]
        var random = SplitMix(seed)
        var options = SMTPServerOptions(fqdn: "relay.example", peer: "::1")
        options.authMechanisms = [.plain, .login]
        options.offersStartTLS = true
        options.maximumProtocolErrors = 0
        options.allowsMailWithoutHello = seed.isMultiple(of: 2)
        options.allowsPlaintextAuthentication = seed.isMultiple(of: 3)
        var session = SMTPServerSession(options, date: "DATE")
        for _ in 0..<400 {
            let word = words[Int.random(in: 0..<words.count, using: &random)]
            let octets = seed.isMultiple(of: 7) ? random.bytes(30) : Array(word.utf8)
            session.receive(octets.span)
            drain(&session, &random)
        }
    }

    private func drain(_ session: inout SMTPServerSession, _ random: inout SplitMix) {
        while let event = session.next() {
            switch event {
            case .startTLS: session.didStartTLS()
            case .content(let octets):
                let text = String(decoding: octets, as: UTF8.self)
                    .replacing("\r\n", with: "")
                #expect(!text.utf8.contains { $0 == 13 || $0 == 10 })
            case .reply, .goodbye, .contentTooLarge: break
            default:
                if Bool.random(using: &random) {
                    session.accept()
                } else {
                    session.refuse(.insufficientResources)
                }
            }
        }
    }
}
