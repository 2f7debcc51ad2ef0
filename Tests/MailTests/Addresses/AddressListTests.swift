import Mail
import Testing

private func shown(_ list: [NamedMailbox]) -> [String] { list.map(\.description) }

/// RFC 5322 appendix A.1.2, A.1.3, A.5, A.6.1, and what mail programs write.
private let lists: [(String, [String])] = [
    ("", []),
    (
        "\"Joe Q. Public\" <john.q.public@example.com>",
        ["\"Joe Q. Public\" <john.q.public@example.com>"]
    ),
    (
        "Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>",
        ["Mary Smith <mary@x.test>", "jdoe@example.org", "Who? <one@y.test>"]
    ),
    (
        "<boss@nil.test>, \"Giant; \\\"Big\\\" Box\" <sysservices@example.net>",
        ["boss@nil.test", "\"Giant; \\\"Big\\\" Box\" <sysservices@example.net>"]
    ),
    (
        "A Group:Ed Jones <joe@where.test>,joe@where.test,John <jdoe@one.test>;",
        ["Ed Jones <joe@where.test>", "joe@where.test", "John <jdoe@one.test>"]
    ),
    ("Undisclosed recipients:;", []),
    ("Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>", ["Pete <pete@silly.test>"]),
    (
        "A Group(Some people)\r\n     :Chris Jones <c@(Chris's host.)public.example>,\r\n joe@example.org;",
        ["Chris Jones <c@public.example>", "joe@example.org"]
    ),
    ("(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;", []),
    (
        "Mary Smith <@node.test,@other.test:mary@example.net>, , jdoe@test  . example",
        [
            "Mary Smith <mary@example.net>", "jdoe@test.example",
        ]
    ),
    (
        "Joe Q. Public <john.q.public@example.com>",
        ["\"Joe Q. Public\" <john.q.public@example.com>"]
    ),
    ("\"a,b\"@example.com, c@d", ["\"a,b\"@example.com", "c@d"]),
    ("=?utf-8?q?M=C3=BCller=2C_J=C3=B6rg?= <m@x.example>", ["\"Müller, Jörg\" <m@x.example>"]),
    ("Müller <m@bücher.example>", ["Müller <m@xn--bcher-kva.example>"]),
    ("a@[192.0.2.1], b@[IPv6:::1]", ["a@[192.0.2.1]", "b@[IPv6:::1]"]),
    ("root@host (Cron Daemon)", ["root@host"]), ("a@b;c@d", ["a@b", "c@d"]),
    ("\"\" <a@b>", ["a@b"]), ("<a@b> trailing, c@d", ["a@b", "c@d"]), ("c < a@b >", ["c <a@b>"]),
]

@Test("address lists are read as RFC 5322 shows", arguments: lists)
func addressList(_ value: String, holds expected: [String]) throws {
    #expect(try shown(AddressList.parse(value)) == expected)
}

@Test(
    "a list that hides an address is refused",
    arguments: [
        "a", "a@b c@d", "John Smith a@b", "<a@b", "a <<b@c>>", "a@b, c", "\"a@b", "(a@b", "<>",
        "a@b (x", "a <b@c", "a@[1.2.3.4", "a <b>",
    ]
)
func hidden(_ value: String) {
    #expect(throws: AddressError.self) { try AddressList.parse(value) }
}

private let named: [(String, String?, String)] = [
    ("a@b", nil, "a@b"), (" a@b ", nil, "a@b"), ("<a@b>", nil, "a@b"),
    ("Backup Server <a@b>", "Backup Server", "a@b"), ("Müller, Jörg <a@b>", "Müller, Jörg", "a@b"),
    ("\"Müller, Jörg\" <a@b>", "Müller, Jörg", "a@b"), ("\"a \\\"b\\\"\" <a@b>", "a \"b\"", "a@b"),
    ("=?utf-8?q?=C3=BC?= <a@b>", "ü", "a@b"), ("\"x<y\" <a@b>", "x<y", "a@b"),
    ("5\" disk <a@b>", "5\" disk", "a@b"), ("Dr. No <a@b>", "Dr. No", "a@b"),
]

@Test("a named address is read as people type it", arguments: named)
func namedAddress(_ text: String, is name: String?, at address: String) throws {
    let mailbox = try NamedMailbox(parsing: text)
    #expect(mailbox.name == name)
    #expect(mailbox.mailbox.description == address)
}

@Test(
    "what is no named address is refused",
    arguments: [
        "", "a", "a@b>", "Name a@b", "N <a@b> x", "N\r\nBcc: x@y <a@b>", "N <a@b\r\n>", "<>",
    ]
)
func noNamedAddress(_ text: String) {
    #expect(throws: AddressError.self) { try NamedMailbox(parsing: text) }
}

private let headerTexts: [(String?, String)] = [
    (nil, "a@b"), ("", "a@b"), ("Backup Server", "Backup Server <a@b>"),
    ("Dr. No", "\"Dr. No\" <a@b>"), ("a \"b\" \\", "\"a \\\"b\\\" \\\\\" <a@b>"),
    ("Jörg", "=?utf-8?b?SsO2cmc=?= <a@b>"), ("Jörg Meyer", "=?utf-8?b?SsO2cmc=?= Meyer <a@b>"),
    ("=?utf-8?q?x?=", "=?utf-8?b?PT91dGYtOD9xP3g/PQ==?= <a@b>"),
    ("x\r\nBcc: y", "\"x Bcc: y\" <a@b>"),
]

@Test("a name is written so that a header reads it back", arguments: headerTexts)
func headerText(of name: String?, is expected: String) throws {
    let mailbox = NamedMailbox(name: name, mailbox: Mailbox(localPart: "a", domain: "b"))
    #expect(mailbox.headerText == expected)
    let reread = try AddressList.parse(mailbox.headerText)
    #expect(reread.count == 1 && reread[0].mailbox == mailbox.mailbox)
    #expect(reread[0].name == (name == "" ? nil : name?.replacing("\r\n", with: " ")))
}

@Test("long lists are folded and read back whole", arguments: 0..<UInt64(10))
func longLists(seed: UInt64) throws {
    var generator = SeededGenerator(seed)
    let letters = Array("abc .,;:<>()\"\\@=?_üé漢🔥-")
    let list = (0..<60).map { index in
        let count = Int.random(in: 0...index, using: &generator)
        let name = (0..<count).map { _ in letters.randomElement(using: &generator) ?? "a" }
        let box = Mailbox(localPart: "user \(index)", domain: "example.com")
        return NamedMailbox(name: name.isEmpty ? nil : String(name), mailbox: box)
    }
    let field = HeaderField(name: "To", addresses: list)
    #expect(try AddressList.parse(field.text) == list)
    let lines = field.body.split(separator: 10, omittingEmptySubsequences: false)
    #expect(lines.allSatisfy { $0.count <= 79 })
}

@Test("garbage is no list, or one, and never traps", arguments: 0..<UInt64(20))
func listGarbage(seed: UInt64) {
    var generator = SeededGenerator(seed)
    for round in 0..<200 {
        let noise = generator.octets(round % 50, from: "ab@.,;:<>()\"\\ \r\n[]=?ü")
        let text = String(decoding: noise, as: UTF8.self)
        _ = try? AddressList.parse(text)
        guard let one = try? NamedMailbox(parsing: text) else { continue }
        #expect((try? AddressList.parse(one.headerText))?.map(\.mailbox) == [one.mailbox])
    }
}
