import Mail
import Testing

private let now = Timestamp(milliseconds: 1_795_345_764_123)

private func completed(_ header: String, from sender: ReversePath) -> String {
    let completion = HeaderBlock.Completion(
        sender: sender,
        postmaster: Mailbox(localPart: "postmaster", domain: "corp.example"),
        now: now,
        messageID: "<1@relay>"
    )
    return text(of: block(header).completed(with: completion))
}

private let date = "Date: Sun, 22 Nov 2026 11:09:24 +0000\r\n"
private let ups = ReversePath.mailbox(Mailbox(localPart: "ups", domain: "lan"))
private let umlaut = ReversePath.mailbox(Mailbox(localPart: "jörg", domain: "lan"))

private let submissions: [(String, ReversePath, String)] = [
    ("", ups, date + "From: ups@lan\r\nMessage-ID: <1@relay>\r\n"),
    ("", .null, date + "From: postmaster@corp.example\r\nMessage-ID: <1@relay>\r\n"),
    ("", umlaut, date + "From: jörg@lan\r\nMessage-ID: <1@relay>\r\n"),
    ("DATE: x\r\nfrom: y\r\nMessage-Id: z\r\n", ups, "DATE: x\r\nfrom: y\r\nMessage-Id: z\r\n"),
    (
        "Date:\r\nFrom: \r\nMessage-ID: \r\n \r\n", ups,
        date + "From: ups@lan\r\nMessage-ID: <1@relay>\r\n"
    ),
    (
        "Return-Path: <x>\r\nBCC: a@b,\r\n c@d\r\nDate: x\r\nidempotency-key: k\r\nFrom: y\r\nResent-Bcc: e@f\r\nMessage-ID: z\r\nBcc: g@h\r\n",
        ups, "Date: x\r\nFrom: y\r\nMessage-ID: z\r\n"
    ),
]

@Test("a submitted mail gets what it lacks and loses what is private", arguments: submissions)
func submission(_ header: String, from sender: ReversePath, becomes expected: String) {
    #expect(completed(header, from: sender) == expected)
}

@Test("the authors are all whom From and Sender name")
func authors() throws {
    let header = block("From: A <a@b>, c@d\r\nSENDER: e@f\r\nReply-To: x@y\r\nFrom: g@h\r\n")
    #expect(try header.authors().map(\.mailbox.description) == ["a@b", "c@d", "e@f", "g@h"])
    #expect(throws: AddressError.self) { try block("From: a@b <c@d\r\n").authors() }
    #expect(block("Received: x\r\nreceived: y\r\n").hops == 2)
    #expect(block("Message-id: \r\n").messageID == nil)
    #expect(block("Message-id: <a@b> \r\n").messageID == "<a@b>")
}

@Test(
    "a From or Sender in which an address could hide from the rules is refused",
    arguments: [
        "From: boss@corp.example:;", "From: boss@corp.example: app@corp.example;", "From: Nobody:;",
        "From: <app@corp.example> boss@corp.example", "From: <app@corp.example><boss@corp.example>",
        "From: (boss@corp.example)", "From: ,", "From: Scanner", "Sender: boss@corp.example:;",
        "From : boss@corp.example:;", "From: <app@corp.example> \"x\" <boss@corp.example>",
        "From: =?utf-8?q?boss=40corp.example?=", "From: <app@corp.example>;:boss@corp.example:;",
    ]
)
func hiddenAuthor(_ header: String) {
    #expect(throws: AddressError.self) { try block(header + "\r\n").authors() }
}

@Test(
    "a From without an author is mended: the sender's address, by the name it gives",
    arguments: [
        ("From: Scanner", "From: Scanner <ups@lan>"), ("From: <>", "From: ups@lan"),
        ("From: \"Floor 2\"", "From: Floor 2 <ups@lan>"),
        ("From: Foo <a@b", "From: \"Foo <a@b\" <ups@lan>"),
        ("From: A, B <a@b.example>", "From: \"A, B\" <a@b.example>"),
        ("From: boss@b:;", "From: \"boss@b:;\" <ups@lan>"),
        ("From: a@b\r\nSender: c", "From: a@b"),
        ("From: a@b\r\nSender: c@d", "From: a@b\r\nSender: c@d"),
    ]
)
func mendedAuthor(_ header: String, _ expected: String) throws {
    var mended = block(header + "\r\n")
    mended.mendAuthors(sentBy: Mailbox(localPart: "ups", domain: "lan"))
    #expect(text(of: mended) == expected + "\r\n")
    _ = try mended.authors()
}

@Test(
    "names, comments and groups around the authors are well",
    arguments: [
        "From: \"boss@corp.example\" <app@corp.example>", "From: app@corp.example (Night (daily))",
        "From: Team: app@corp.example;", "From: <app@corp.example> trailing words",
        "From : app@corp.example", "From:\r\n\t<app@corp.example>",
    ]
)
func plainAuthor(_ header: String) throws {
    #expect(try block(header + "\r\n").authors().map(\.mailbox.description) == ["app@corp.example"])
}

private func received(
    _ helo: String?,
    _ peer: String?,
    _ transport: Received.Transport,
    recipient: Mailbox? = nil,
    comment: String? = nil
) -> String {
    let line = Received(
        helo: helo,
        peer: peer.flatMap { IPAddress($0) },
        hostname: "relay.corp.example",
        transport: transport,
        id: "msg_1",
        recipient: recipient,
        date: now,
        comment: comment
    )
    return String(decoding: line.octets, as: UTF8.self)
}

@Test("a trace line says who, by whom, how, which, for whom and when")
func trace() {
    let box = Mailbox(localPart: "ops", domain: "corp.example")
    #expect(
        received(
            "ups.lan",
            "192.0.2.1",
            .smtp(isExtended: true, isSecured: true, isAuthenticated: true),
            recipient: box,
            comment: "TLSv1.3"
        )
            == "Received: from ups.lan ([192.0.2.1]) by relay.corp.example (Postern)\r\n"
            + " with ESMTPSA (TLSv1.3) id msg_1 for <ops@corp.example>;\r\n"
            + " Sun, 22 Nov 2026 11:09:24 +0000\r\n"
    )
    var line = Received(
        helo: "ups.lan",
        peer: nil,
        hostname: "relay.corp.example",
        transport: .local,
        id: "msg_1",
        date: now
    )
    line.connector = "Printers (2nd floor)"
    let text = String(decoding: line.octets, as: UTF8.self)
    #expect(text.contains(" by relay.corp.example (Postern, Printers _2nd floor_)\r\n"))
    let http = received(nil, "::1", .http(isSecured: false))
    #expect(
        http.hasPrefix(
            "Received: from unknown ([IPv6:::1]) by relay.corp.example (Postern) with HTTP\r\n"
        )
    )
    #expect(http.contains("\r\n id msg_1; Sun,"))
}

private let transports: [(Received.Transport, String)] = [
    (.smtp(isExtended: false, isSecured: false, isAuthenticated: false), "SMTP"),
    (.smtp(isExtended: true, isSecured: false, isAuthenticated: false), "ESMTP"),
    (.smtp(isExtended: true, isSecured: true, isAuthenticated: false), "ESMTPS"),
    (.smtp(isExtended: true, isSecured: false, isAuthenticated: true), "ESMTPA"),
    (.smtp(isExtended: true, isSecured: true, isAuthenticated: true, isUTF8: true), "UTF8SMTPSA"),
    (.http(isSecured: false), "HTTP"), (.http(isSecured: true), "HTTPS"), (.local, "local"),
]

@Test("the transport has the name that is registered for it", arguments: transports)
func transportName(_ transport: Received.Transport, is name: String) {
    let line = block(received("x", nil, transport)).fields.first?.text
    #expect(line?.contains(" with \(name) id msg_1;") == true)
}

@Test(
    "no greeting and no comment can write into the line",
    arguments: ["a\r\nBcc: x", "a (b", "a;", "", "ü", "a b", String(repeating: "a", count: 300)]
)
func greeting(_ text: String) {
    let line = received(text, nil, .http(isSecured: true), comment: text)
    #expect(line.hasPrefix("Received: from unknown by"))
    #expect(block(line).fields.count == 1)
    #expect(line.utf8.allSatisfy { $0 < 127 })
}
