import Testing

@testable import Wire

private func heard(_ lines: [String], _ cuts: Cuts, keeps: Bool = true) -> [String] {
    var options = SMTPServerOptions(fqdn: "relay.test.example", peer: "127.0.0.1")
    options.authMechanisms = [.plain, .login]
    options.allowsPlaintextAuthentication = true
    options.keepsHeard = keeps
    options.maximumProtocolErrors = 0
    options.maximumLogonFailures = 0
    var session = SMTPServerSession(options, date: "now")
    var heard: [String] = []
    for piece in cuts.pieces(of: Array(lines.map { $0 + "\r\n" }.joined().utf8)) {
        session.receive(Array(piece).span)
        while let event = session.next() {
            heard += session.takeHeard()
            switch event {
            case .authenticate: session.refuse(.authenticationUnsuccessful)
            case .reply, .goodbye: break
            default: session.accept()
            }
        }
        heard += session.takeHeard()
    }
    return heard
}

@Suite("What a protocol log may show")
struct HeardTests {
    static let conversations: [(said: [String], shown: [String])] = [
        (["EHLO x", "NOOP", "QUIT"], ["EHLO x", "NOOP", "QUIT"]),
        (["EHLO x", "AUTH PLAIN AGEAYg=="], ["EHLO x", "AUTH PLAIN ****"]),
        (["EHLO x", "auth  plain   AGEAYg=="], ["EHLO x", "auth plain ****"]),
        (["EHLO x", "AUTH PLAIN", "AGEAYg=="], ["EHLO x", "AUTH PLAIN", "****"]),
        (["EHLO x", "AUTH LOGIN", "YQ==", "Yg=="], ["EHLO x", "AUTH LOGIN", "****", "****"]),
        (["EHLO x", "AUTH LOGIN YQ==", "Yg=="], ["EHLO x", "AUTH LOGIN ****", "****"]),
        (["EHLO x", "AUTH PLAIN", "*", "NOOP"], ["EHLO x", "AUTH PLAIN", "****", "NOOP"]),
        // Mechanisms that are not offered: the client goes on as if they were.
        (["EHLO x", "AUTH NTLM", "TlRMTQ=="], ["EHLO x", "AUTH NTLM", "****"]),
        (["AUTH PLAIN AGEAYg==", "NOOP"], ["AUTH PLAIN ****", "NOOP"]),
        // Nor is what resembles AUTH, or belongs to another protocol.
        (["EHLO x", "AUTHPLAIN AGEAYg=="], ["EHLO x", "AUTHPLAIN ****"]),
        (["EHLO x", "AUTHPLAINAGEAYgAGEAYg=="], ["EHLO x", "AUTHPLAI ****"]),
        (["EHLO x", " AUTH PLAIN AGEAYg=="], ["EHLO x", "AUTH ****"]),
        (["EHLO x", "AUTH PLAIN:AGEAYg=="], ["EHLO x", "AUTH ****"]),
        (["EHLO x", "AUTH=PLAIN AGEAYg=="], ["EHLO x", "AUTH ****"]),
        (["EHLO x", "AUTH AGEAYg=="], ["EHLO x", "AUTH ****"]),
        (["EHLO x", "AUTH PLAINAGEAYg=="], ["EHLO x", "AUTH ****"]),
        (["EHLO x", "AUTHINFO PASS b"], ["EHLO x", "AUTHINFO ****"]),
        (["EHLO x", "X-API-Key: psta_b"], ["EHLO x", "X-API-Key ****"]),
        (["XCLIENT", "PASS b"], ["XCLIENT", "PASS ****"]),
        (["POST /in/psta_b HTTP/1.1"], ["POST ****"]),
        (["EHLO \u{1b}[31m"], ["EHLO ?[31m"]),
        ([String(repeating: "x", count: 3000)], ["(a line over the limit)"]),
        (
            ["EHLO " + String(repeating: "x", count: 1000)],
            ["EHLO " + String(repeating: "x", count: 507)]
        ),
        (
            ["EHLO x", "MAIL FROM:<a@b.c>", "RCPT TO:<a@b.c>", "DATA", "secret", ".", "QUIT"],
            ["EHLO x", "MAIL FROM:<a@b.c>", "RCPT TO:<a@b.c>", "DATA", "QUIT"]
        ),
    ]

    @Test("is every command, no content and no secret, however it is cut", arguments: conversations)
    func showing(said: [String], shown: [String]) {
        for cuts in Cuts.all { #expect(heard(said, cuts) == shown, "\(cuts)") }
    }

    @Test("is nothing unless it is asked for")
    func silence() {
        #expect(heard(["EHLO x", "QUIT"], .whole, keeps: false) == [])
    }

    static let habits: [(octets: String, quirks: SMTPQuirks)] = [
        ("EHLO x\r\nNOOP\r\n", []), ("EHLO x\nNOOP\r\n", .bareLineEnd),
        ("EHLO\r\n", .emptyHello), ("MAIL FROM:<a@b.c>\r\n", .noHello),
        ("EHLO x\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<a@b.c>\r\nDATA\r\na\r\n.\r\n", []),
        ("EHLO x\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<a@b.c>\r\nDATA\r\na\nb\r\n.\r\n", .bareLineEnd),
        ("EHLO x\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<a@b.c>\r\nDATA\r\na\rb\r\n.\r\n", .bareLineEnd),
    ]

    @Test("habits are noticed, however they are cut", arguments: habits)
    func noticing(octets: String, quirks: SMTPQuirks) {
        for cuts in Cuts.all {
            var options = SMTPServerOptions(fqdn: "relay.test.example", peer: "127.0.0.1")
            options.allowsMailWithoutHello = true
            var session = SMTPServerSession(options, date: "now")
            for piece in cuts.pieces(of: Array(octets.utf8)) {
                session.receive(Array(piece).span)
                while let event = session.next() {
                    if case .reply = event { continue }
                    session.accept()
                }
            }
            #expect(session.quirks == quirks, "\(cuts)")
        }
    }
}
