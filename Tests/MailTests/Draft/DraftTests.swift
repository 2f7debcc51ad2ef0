import Mail
import Testing

let noon = Timestamp(milliseconds: 1_795_345_764_123)

func draft(_ change: (inout Draft) -> Void = { _ in }) -> Draft {
    var draft = Draft(
        from: NamedMailbox(
            name: "Postern",
            mailbox: Mailbox(localPart: "relay", domain: "corp.example")
        ),
        messageID: "<1.2@relay.corp.example>",
        date: noon
    )
    draft.to = [NamedMailbox(mailbox: Mailbox(localPart: "ops", domain: "corp.example"))]
    change(&draft)
    return draft
}

/// What is kept elsewhere is the draft's own number as text, so that a test can foresee it.
func octets(of draft: Draft, seed: UInt64 = 1) -> [UInt8] {
    draft.composed(boundary: seed).reduce(into: []) { octets, segment in
        switch segment {
        case .octets(let run): octets += run
        case .elsewhere(let number):
            var encoder = Base64Encoder()
            encoder.encode(elsewhere(number).span, into: &octets)
            encoder.finish(into: &octets)
        }
    }
}

func elsewhere(_ number: Int) -> [UInt8] {
    Array(String(repeating: "kept elsewhere \(number) ", count: 40).utf8)
}

@Test("a short text is written as a person would write it")
func simplest() {
    let mail = draft {
        $0.subject = "Backup failed"
        $0.text = "Disk full\n"
        $0.importance = .critical
        $0.headers = [("X-Job", "42")]
    }
    #expect(
        String(decoding: octets(of: mail), as: UTF8.self) == """
            Date: Sun, 22 Nov 2026 11:09:24 +0000\r
            From: Postern <relay@corp.example>\r
            To: ops@corp.example\r
            Subject: Backup failed\r
            Message-ID: <1.2@relay.corp.example>\r
            MIME-Version: 1.0\r
            Importance: high\r
            X-Priority: 1\r
            X-Job: 42\r
            Content-Type: text/plain; charset=us-ascii\r
            Content-Transfer-Encoding: 7bit\r
            \r
            Disk full\r

            """
    )
}

@Test("the same draft and seed give the same octets, another seed other boundaries")
func determinism() {
    let mail = draft {
        $0.text = "a"
        $0.html = "<p>a"
    }
    #expect(octets(of: mail) == octets(of: mail))
    #expect(octets(of: mail) != octets(of: mail, seed: 2))
}

@Test("what is kept elsewhere is named in its place, and all else is joined")
func segments() {
    let mail = draft {
        $0.attachments = [
            .init(filename: "a", contentType: "text/csv", content: .octets([1])),
            .init(filename: "b", contentType: "text/csv", content: .elsewhere(7)),
            .init(filename: "c", contentType: "text/csv", content: .elsewhere(8)),
        ]
    }
    let kinds = mail.composed(boundary: 0).map { segment in
        if case .elsewhere(let number) = segment { number } else { -1 }
    }
    #expect(kinds == [-1, 7, -1, 8, -1])
}

@Test("mails of one thread key refer to one root, and a header of the sender's own wins")
func threads() {
    let key = draft { $0.threadKey = "disk-sda" }
    let header = HeaderBlock(parsing: octets(of: key).span)
    let root = header.first("References")?.text ?? ""
    #expect(root.hasPrefix("<thread.") && root.hasSuffix("@relay.corp.example>"))
    #expect(header.first("In-Reply-To")?.text == root)
    let again = draft {
        $0.threadKey = "disk-sda"
        $0.messageID = "<10@relay.corp.example>"
    }
    #expect(HeaderBlock(parsing: octets(of: again).span).first("References")?.text == root)
    let other = draft { $0.threadKey = "disk-sdb" }
    #expect(HeaderBlock(parsing: octets(of: other).span).first("References")?.text != root)
    let own = draft {
        $0.threadKey = "disk-sda"
        $0.importance = .high
        $0.headers = [("references", "<x@y>"), ("IMPORTANCE", "low")]
    }
    let mixed = HeaderBlock(parsing: octets(of: own).span)
    #expect(mixed.all("References").map(\.text) == ["<x@y>"])
    #expect(mixed.all("Importance").map(\.text) == ["low"])
    #expect(mixed.first("X-Priority")?.text == "2")
}

@Test("text that looks like a boundary is encoded")
func lookalike() {
    for seed: UInt64 in 0..<3 {
        let first = String(
            decoding: octets(
                of: draft {
                    $0.html = "x"
                    $0.text = "y"
                },
                seed: seed
            ),
            as: UTF8.self
        )
        let boundaries = first.split(separator: "\r\n").filter { $0.hasPrefix("--") }
        let mail = draft {
            $0.html = "x"
            $0.text = boundaries.joined(separator: "\n")
        }
        let text = String(decoding: octets(of: mail, seed: seed), as: UTF8.self)
        #expect(text.split(separator: "\r\n").filter { $0.hasPrefix("--=_") } == boundaries)
    }
}

private let encodings: [(String, String)] = [
    ("plain", "7bit"), ("", "7bit"), ("tab\tand = sign", "7bit"), ("für", "quoted-printable"),
    (String(repeating: "x", count: 998), "7bit"),
    (String(repeating: "x", count: 999), "quoted-printable"),
    (String(repeating: "x", count: 998) + "\ny", "7bit"), ("漢字漢字漢字漢字漢字漢字漢字漢字", "base64"),
    ("nul\0", "quoted-printable"), ("esc\u{1b}[0m", "quoted-printable"),
    ("Grüße aus Köln: Größe übermäßig", "quoted-printable"),
]

@Test("a text takes the plainest encoding that carries it", arguments: encodings)
func encoding(of text: String, is name: String) {
    let header = HeaderBlock(parsing: octets(of: draft { $0.text = text }).span)
    #expect(header.first("Content-Transfer-Encoding")?.text == name)
}
