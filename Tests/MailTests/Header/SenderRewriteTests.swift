import Mail
import Testing

@Suite("A sender that is rewritten")
struct SenderRewriteTests {
    private let rewrite = SenderRewrite(to: Mailbox(localPart: "relay", domain: "corp.example"))

    private func rewritten(_ header: String) -> [String] {
        var block = HeaderBlock(parsing: Array(header.utf8).span)
        rewrite.apply(to: &block)
        return String(decoding: block.octets, as: UTF8.self).split(separator: "\r\n").map(
            String.init
        )
    }

    static let cases: [(String, [String])] = [
        (
            "From: a@x.example\r\nSubject: s\r\n",
            ["From: relay@corp.example", "Subject: s", "Reply-To: a@x.example"]
        ),
        (
            "Subject: s\r\nFrom: \"Backup, Nightly\" <a@x.example>\r\n",
            [
                "Subject: s", "From: \"Backup, Nightly\" <relay@corp.example>",
                "Reply-To: \"Backup, Nightly\" <a@x.example>",
            ]
        ),
        (
            "From: a@x.example, B <b@x.example>\r\nSender: s@x.example\r\n",
            ["From: relay@corp.example", "Reply-To: a@x.example, B <b@x.example>"]
        ),
        (
            "From: a@x.example\r\nReply-To: desk@x.example\r\n",
            ["From: relay@corp.example", "Reply-To: desk@x.example"]
        ),
        ("From: Us <relay@corp.example>\r\n", ["From: Us <relay@corp.example>"]),
        ("From: nonsense @@\r\n", ["From: relay@corp.example"]),
        ("Subject: s\r\n", ["Subject: s", "From: relay@corp.example"]),
        (
            "from: =?utf-8?q?Gr=C3=BC=C3=9Fe?= <a@x.example>\r\n",
            [
                "From: =?utf-8?B?R3LDvMOfZQ==?= <relay@corp.example>",
                "Reply-To: =?utf-8?B?R3LDvMOfZQ==?= <a@x.example>",
            ]
        ),
    ]

    @Test("From becomes the one address, and the original is the one to answer", arguments: cases)
    func fields(header: String, expected: [String]) {
        #expect(rewritten(header).map { $0.lowercased() } == expected.map { $0.lowercased() })
    }

    @Test("the null sender stays null")
    func envelope() {
        #expect(rewrite.envelope(.null) == .null)
        let other = ReversePath.mailbox(Mailbox(localPart: "a", domain: "x.example"))
        #expect(rewrite.envelope(other) == .mailbox(rewrite.address))
    }

    @Test("a second time changes nothing", arguments: cases)
    func again(header: String, expected: [String]) {
        var once = HeaderBlock(parsing: Array(header.utf8).span)
        rewrite.apply(to: &once)
        var twice = once
        rewrite.apply(to: &twice)
        #expect(once == twice)
    }
}
