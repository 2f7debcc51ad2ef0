import Mail
import Testing

private let texts: [String?] = [
    nil, "", "plain", "two\nlines\n", "für 🔥\r\n", "dot\n.\n..\nFrom x\n", "trailing \t\n \n",
    String(repeating: "long ", count: 400), String(repeating: "漢字", count: 700), "a\rb\r\n\r\nc",
    "--=_x\n--=_y--\n", String(repeating: "x", count: 2500), "=?utf-8?q?x?= = =3D =\n=",
    "nul \0 \u{1b}",
]

private let subjects: [String?] = [
    nil, "", "Backup failed", "Sicherung für Köln fehlgeschlagen", "🔥 prod-db-1 🔥", "漢字のみの件名",
    String(repeating: "Überlange Betreffzeile ", count: 30) + ".",
    String(repeating: "x", count: 1200),
    "a  b   c", "=?utf-8?q?literal?=", "e\u{301}\u{308}", "[FIRING:3] disk (sda) \"full\" <95%>",
    String(repeating: "word ", count: 250) + "end", "trailing ü",
]

private let names: [String?] = [
    nil, "Backup", "Jörg Müller", "Müller, Jörg", "Dr. No", "a \"quoted\" name", "🔥 Alert 🔥",
    "back\\slash", String(repeating: "Sehr langer Name ", count: 12) + "ß", "=?utf-8?q?x?=",
    "a@b <c>",
]

private let filenames: [String?] = [
    nil, "report.pdf", "Bericht März.pdf", "🔥.log", "a \"b\".txt", "back\\slash.txt",
    "a;b=c'd%e.txt",
    String(repeating: "langer Dateiname ", count: 15) + "ü.pdf",
    String(repeating: "y", count: 250) + ".log",
    "漢字.xlsx", "two  spaces.txt", "semi;colon.txt", "UTF-8''x.txt",
]

/// One of each, by turns, so that lists of different lengths meet in many ways.
private func variation(_ index: Int) -> Draft {
    var generator = SeededGenerator(UInt64(index))
    let mailbox = Mailbox(
        localPart: index % 7 == 3 ? "odd \"local\" part" : "user.\(index)",
        domain: "xn--mnchen-3ya.example"
    )
    var draft = Draft(
        from: NamedMailbox(name: names[index % names.count], mailbox: mailbox),
        messageID: "<\(index)@relay.corp.example>",
        date: noon
    )
    draft.to = (0..<(index % 64 == 0 ? 40 : index % 7)).map {
        NamedMailbox(name: names[$0 % names.count], mailbox: mailbox)
    }
    if index % 3 == 0 { draft.cc = [NamedMailbox(mailbox: mailbox)] }
    if index % 5 == 0 { draft.replyTo = draft.to }
    draft.subject = subjects[index % subjects.count]
    draft.text = texts[index % texts.count]
    draft.html = index % 2 == 0 ? texts[(index / 2) % texts.count] : nil
    draft.importance = Importance.allCases[index % 4]
    draft.threadKey = index % 2 == 0 ? "key ü \(index % 10)" : nil
    draft.headers = [("X-Note", subjects[(index + 3) % subjects.count] ?? "")]
    draft.attachments = (0..<index % 4).map { number in
        Draft.Attachment(
            filename: filenames[(index + number) % filenames.count],
            contentType: [
                "application/pdf", "text/csv; charset=utf-8", "message/rfc822", "x\r\nBcc: y",
                "image/png",
            ][(index + number) % 5],
            contentID: (index + number) % 3 == 0 ? "part\(number)@corp" : nil,
            disposition: (index + number) % 2 == 0 ? .inline : .attachment,
            content: number == 2
                ? .elsewhere(index) : .octets(generator.octets(number * 137 + index % 60))
        )
    }
    return draft
}

private func lineFed(_ text: String) -> String {
    String(decoding: normalized(Array(text.utf8)), as: UTF8.self).replacing("\r\n", with: "\n")
}

private func pair(_ address: NamedMailbox) -> [String] {
    [address.name ?? "", address.mailbox.description]
}

private func content(_ attachment: Draft.Attachment) -> [UInt8] {
    switch attachment.content {
    case .octets(let octets): octets
    case .elsewhere(let number): elsewhere(number)
    }
}

private func expectEqual(_ reading: PythonReader.Reading, _ draft: Draft, _ mail: [UInt8]) {
    let shown = Comment(rawValue: String(decoding: mail.prefix(2500), as: UTF8.self))
    #expect(reading.defects == [], shown)
    #expect(reading.longestLine <= 998, shown)
    #expect(reading.header("Subject") == draft.subject, shown)
    #expect(reading.header("X-Note") == draft.headers[0].value, shown)
    #expect(reading.header("Message-ID") == draft.messageID)
    #expect(reading.addresses["From"] == [pair(draft.from)], shown)
    #expect(reading.addresses["To"] ?? [] == draft.to.map(pair), shown)
    #expect(reading.addresses["Cc"] ?? [] == draft.cc.map(pair), shown)
    #expect(reading.addresses["Reply-To"] ?? [] == draft.replyTo.map(pair), shown)
    #expect(reading.header("Bcc") == nil)
    let leaves = reading.root.leaves
    let plain = leaves.first { $0.type == "text/plain" && $0.disposition == nil }?.text
    let html = leaves.first { $0.type == "text/html" && $0.disposition == nil }?.text
    let isAlone = reading.root.parts.isEmpty
    expectText(plain, draft.html == nil ? draft.text ?? "" : draft.text, isAlone, shown)
    expectText(html, draft.html, isAlone, shown)
    // Related parts come before the others; within each, the order is kept.
    let sent = leaves.filter { $0.disposition != nil }
    #expect(sent.count == draft.attachments.count, shown)
    for attachment in draft.attachments {
        let found = sent.contains {
            $0.filename == attachment.filename && $0.octets == content(attachment)
                && $0.disposition == attachment.disposition.rawValue
                && $0.contentID == attachment.contentID.map { "<\($0)>" }
                && [
                    "application/octet-stream", String(attachment.contentType.prefix { $0 != ";" }),
                ]
                .contains($0.type)
        }
        #expect(found, "\(attachment.filename ?? "") \(sent.map(\.filename)) \(shown)")
    }
}

private func expectText(_ found: String?, _ sent: String?, _ isAlone: Bool, _ shown: Comment) {
    var expected = sent.map(lineFed)
    if isAlone, let text = expected, !text.isEmpty, !text.hasSuffix("\n") { expected = text + "\n" }
    #expect(found == expected, shown)
}

@Test("Python reads from a draft what was written into it")
func reading() throws {
    let drafts = (0..<130).map(variation)
    let mails = drafts.map { octets(of: $0) }
    let readings = try PythonReader.read(mails)
    #expect(readings.count == drafts.count)
    for (index, reading) in readings.enumerated() {
        expectEqual(reading, drafts[index], mails[index])
    }
}

private func attachment(_ name: String, inline id: String? = nil) -> Draft.Attachment {
    .init(
        filename: name,
        contentType: "image/png",
        contentID: id,
        disposition: id == nil ? .attachment : .inline,
        content: .octets([1, 2, 3])
    )
}

@Test("the tree of parts is no deeper than it must be")
func shapes() throws {
    let file = attachment("a")
    let logo = attachment("b", inline: "logo")
    let cases: [(String?, String?, [Draft.Attachment], String)] = [
        ("t", nil, [], "plain"), (nil, "h", [], "html"), (nil, nil, [], "plain"),
        ("t", "h", [], "alternative(plain,html)"), ("t", nil, [file], "mixed(plain,png)"),
        (nil, nil, [file, file], "mixed(plain,png,png)"), (nil, "h", [logo], "related(html,png)"),
        ("t", "h", [logo], "alternative(plain,related(html,png))"),
        ("t", "h", [logo, file], "mixed(alternative(plain,related(html,png)),png)"),
        (nil, "h", [file], "mixed(html,png)"), ("t", nil, [logo], "mixed(plain,png)"),
    ]
    let mails = cases.map { text, html, attachments, _ in
        octets(
            of: draft {
                $0.text = text
                $0.html = html
                $0.attachments = attachments
            }
        )
    }
    let readings = try PythonReader.read(mails)
    #expect(readings.map(\.root.shape) == cases.map(\.3))
    #expect(readings.allSatisfy { $0.defects.isEmpty })
    #expect(readings.allSatisfy { $0.header("To") == "ops@corp.example" })
}

@Test("no field of a draft can write a header or a part of its own")
func draftInjection() throws {
    let evil = "x\r\nBcc: evil@example.com\r\n\r\nbody\r\n--=_"
    let mail = draft {
        $0.from = NamedMailbox(name: evil, mailbox: $0.from.mailbox)
        $0.to = [NamedMailbox(name: evil, mailbox: $0.from.mailbox)]
        $0.subject = evil
        $0.headers = [("X-Evil", evil)]
        $0.text = evil
        $0.attachments = [
            .init(
                filename: evil,
                contentType: "text/plain; a=\"\(evil)\"",
                contentID: evil,
                content: .octets([])
            ),
            .init(
                filename: nil,
                contentType: evil,
                contentID: "a@b>\r\nX: y",
                disposition: .inline,
                content: .octets([])
            ),
        ]
    }
    let reading = try PythonReader.read([octets(of: mail)])[0]
    #expect(reading.defects.isEmpty)
    #expect(!reading.headers.contains { $0[0] == "Bcc" })
    #expect(reading.root.shape == "mixed(plain,plain,octet-stream)")
    #expect(reading.addresses["To"]?.map { $0[1] } == ["relay@corp.example"])
    #expect(reading.root.leaves[0].text == lineFed(evil))
}

@Test("a mail without visible recipients says so, and one with UTF-8 addresses keeps them")
func recipients() throws {
    let hidden = try PythonReader.read([octets(of: draft { $0.to = [] })])[0]
    #expect(hidden.header("To") == "undisclosed-recipients:;")
    #expect(hidden.defects.isEmpty)
    let mail = draft {
        $0.to = [NamedMailbox(name: "Jörg", mailbox: Mailbox(localPart: "jörg", domain: "b"))]
    }
    let text = String(decoding: octets(of: mail), as: UTF8.self)
    #expect(text.contains(" <jörg@b>\r\n"))
}
