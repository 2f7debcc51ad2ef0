import Mail
import Testing

@Test(
    "a header that is the gateway's or breaks a line is refused",
    arguments: [
        ("", "x"), ("A b", "x"), ("A:", "x"), ("Ä", "x"), ("A\r\n", "x"), ("A\0", "x"),
        (String(repeating: "a", count: 77), "x"), ("X", "a\r\nBcc: b"), ("X", "a\nb"),
        ("X", "a\rb"),
        ("X", "a\0b"), ("X", "\u{1b}[0m"), ("X", "\u{7f}"), ("X", "\u{85}"), ("X", "\u{2028}"),
        ("X", String(repeating: "a", count: 20_000)),
        ("From", "x"), ("TO", "x"), ("Cc", "x"), ("bcc", "x"), ("Reply-To", "x"), ("subject", "x"),
        ("Sender", "x"), ("Date", "x"), ("Message-Id", "x"), ("MIME-Version", "x"),
        ("content-type", "x"), ("Content-X", "x"), ("Received", "x"), ("Return-Path", "x"),
        ("Resent-From", "x"), ("resent-x", "x"), ("DKIM-Signature", "x"),
    ]
)
func refusedHeader(name: String, value: String) {
    #expect(throws: HeaderError.self) { try Draft.checkHeader(name: name, value: value) }
}

@Test(
    "any other header is allowed",
    arguments: [
        ("X-Mailer", "Backup 1.0"), ("X", ""), ("List-Unsubscribe", "<https://a.example/>"),
        ("X-Ümlaut-not".replacing("Ü", with: "U"), "für 🔥"), ("References", "<a@b>"), ("X", "a\tb"),
        ("Precedence", "bulk"), ("Auto-Submitted", "auto-generated"), ("Fromage", "brie"),
    ]
)
func allowedHeader(name: String, value: String) throws {
    try Draft.checkHeader(name: name, value: value)
}
