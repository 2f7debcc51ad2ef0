import Mail
import Testing

private let valid: [(String, String, String)] = [
    ("Smith@bar.com", "Smith", "bar.com"),
    ("user+tag@Example.ORG", "user+tag", "example.org"),
    ("#!$%&'*+-/=?^_`{}|~@example.org", "#!$%&'*+-/=?^_`{}|~", "example.org"),
    ("root@localhost", "root", "localhost"),
    ("ups@host_1.lan", "ups", "host_1.lan"),
    ("\"Joe.\\\\Blow\"@example.com", "Joe.\\Blow", "example.com"),
    ("\"Fred Bloggs\"@example.com", "Fred Bloggs", "example.com"),
    ("\"Abc@def\"@example.com", "Abc@def", "example.com"),
    ("\"plain\"@example.com", "plain", "example.com"),
    ("\"a..b\"@example.com", "a..b", "example.com"),
    ("\"\\\"\"@example.com", "\"", "example.com"),
    ("a@[192.0.2.1]", "a", "[192.0.2.1]"),
    ("a@[IPv6:2001:DB8:0:0::1]", "a", "[IPv6:2001:db8::1]"),
    ("a@[ipv6:::1]", "a", "[IPv6:::1]"),
    ("a@[IPv6:::ffff:192.0.2.1]", "a", "[192.0.2.1]"),
    ("jörg@example.com", "jörg", "example.com"),
    ("用户@例子.广告", "用户", "xn--fsqu00a.xn--4rr70v"),
    ("a@MÜNCHEN.example", "a", "xn--mnchen-3ya.example"),
    ("a@mu\u{308}nchen.example", "a", "xn--mnchen-3ya.example"),
    ("a@straße.example", "a", "xn--strae-oqa.example"),
    ("a@ｅxample。com", "a", "example.com"),
    ("a@XN--MNCHEN-3YA.example", "a", "xn--mnchen-3ya.example"),
    ("a@1.2.3.4", "a", "1.2.3.4"),
    (String(repeating: "l", count: 64) + "@b", String(repeating: "l", count: 64), "b"),
]

@Test("a mailbox is read as RFC 5321 and RFC 6531 write it", arguments: valid)
func mailboxReading(of text: String, gives localPart: String, at domain: String) throws {
    let mailbox = try Mailbox(parsing: text)
    #expect(mailbox.localPart == localPart)
    #expect(mailbox.domain == domain)
    #expect(try Mailbox(parsing: text[...]) == mailbox)
    #expect(try Mailbox(parsing: mailbox.description) == mailbox)
}

private let longLabel = String(repeating: "x", count: 64)
private let longName = String(repeating: "abcdefg.", count: 32)

private let invalid: [(String, String)] = [
    ("", "the address is empty"),
    ("plain", "the address has no @ and no domain"),
    ("@b", "the address has no local part before the @"),
    ("a@", "the domain is empty"),
    (".a@b", "the local part begins or ends with a dot, or has two in a row"),
    ("a.@b", "the local part begins or ends with a dot, or has two in a row"),
    ("a..a@b", "the local part begins or ends with a dot, or has two in a row"),
    ("a b@c", "the local part holds a space outside quotes"),
    ("a<b@c", "the local part holds the character < outside quotes"),
    ("a b", "the address holds a space and no @"),
    ("<a@b>", "the local part holds the character < outside quotes"),
    ("\"a@b", "the quoted local part does not end"),
    ("\"\"@b", "the local part is empty"),
    ("\"a\rb\"@c", "the quoted local part holds a control character"),
    ("\"a\\", "the quoted local part holds a control character"),
    ("\"a\"b@c", "the local part holds the character b outside quotes"),
    ("a\r\nRCPT TO:<x@y>@b", "the address holds a control character"),
    ("a\0@b", "the address holds a control character"),
    ("a@b c", "the domain holds a space"),
    ("a@b@c", "the domain holds the character @"),
    ("a@b\r\n", "the domain holds a control character"),
    ("a@b>", "the domain holds the character >"),
    ("a@.b", "the domain begins or ends with a dot, or has two in a row"),
    ("a@b.", "the domain begins or ends with a dot, or has two in a row"),
    ("a@b..c", "the domain begins or ends with a dot, or has two in a row"),
    ("a@-b", "a label of the domain begins or ends with a hyphen"),
    ("a@b-.c", "a label of the domain begins or ends with a hyphen"),
    ("a@b-", "a label of the domain begins or ends with a hyphen"),
    ("a@[1.2.3]", "[1.2.3] is not an IPv4 address literal"),
    ("a@[1.2.3.4", "the address literal does not end with ]"),
    ("a@[]", "the address literal does not end with ]"),
    ("a@[::1]", "an IPv6 address literal is written [IPv6:…]"),
    ("a@[IPv6:::g]", "[IPv6:::g] is not an IPv6 address literal"),
    ("a@☃.example", "the domain holds U+2603, which no domain name may have"),
    ("a@b\u{200b}c.example", "the domain holds U+200B, which no domain name may have"),
    ("a@ü b.example", "the domain holds a space"),
    ("a@" + longLabel, "a label of the domain is longer than 63 octets"),
    ("a@" + String(repeating: "ü", count: 64), "a label of the domain is longer than 63 octets"),
    ("a@" + longName + "d", "the domain is longer than 253 octets"),
    (longLabel + "x@b", "the local part is longer than 64 octets"),
    ("\"" + longLabel + "x\"@b", "the local part is longer than 64 octets"),
]

@Test("what is no mailbox is refused with a reason", arguments: invalid)
func mailboxRefusal(of text: String, because reason: String) {
    #expect(throws: AddressError(reason)) { try Mailbox(parsing: text) }
}

private func mailbox(_ octets: [UInt8]) throws(AddressError) -> Mailbox {
    try Mailbox(parsing: octets.span)
}

@Test("octets that are not UTF-8 are refused by name")
func brokenUTF8() {
    #expect(throws: AddressError("the local part is not valid UTF-8")) {
        try mailbox([0xff] + Array("@b".utf8))
    }
    #expect(throws: AddressError("the domain is not valid UTF-8")) {
        try mailbox(Array("a@b".utf8) + [0xc3])
    }
}

@Test("mailboxes whose domains differ in spelling only are one")
func mailboxEquality() throws {
    let one = try Mailbox(parsing: "a@MÜNCHEN.example")
    #expect(try one == Mailbox(parsing: "a@xn--MNCHEN-3ya.Example"))
    #expect(try one != Mailbox(parsing: "A@münchen.example"))
    #expect(try Set([one, Mailbox(parsing: "\"a\"@münchen.EXAMPLE")]).count == 1)
}

@Test("only a local part beyond ASCII needs SMTPUTF8")
func needs() throws {
    #expect(try Mailbox(parsing: "jörg@b").needsSMTPUTF8)
    #expect(try !Mailbox(parsing: "joerg@bücher.example").needsSMTPUTF8)
}

@Test("a path prints without brackets, the null path as nothing")
func paths() throws {
    #expect(ReversePath.null.description == "")
    #expect(try ReversePath.mailbox(Mailbox(parsing: "a@b")).description == "a@b")
}

@Test("any local part survives printing and parsing", arguments: 0..<UInt64(20))
func mailboxIdentity(seed: UInt64) throws {
    var generator = SeededGenerator(seed)
    let letters = Array("ab.\"\\@ <>,;:()[]ü漢!")
    for _ in 0..<100 {
        let count = Int.random(in: 1...12, using: &generator)
        let local = String((0..<count).map { _ in letters.randomElement(using: &generator) ?? "a" })
        let mailbox = Mailbox(localPart: local, domain: "example.com")
        #expect(try Mailbox(parsing: mailbox.description) == mailbox)
    }
}

@Test("garbage is refused or read, and never traps", arguments: 0..<UInt64(20))
func mailboxGarbage(seed: UInt64) {
    var generator = SeededGenerator(seed)
    for round in 0..<300 {
        let octets =
            round % 2 == 0
            ? generator.octets(round % 40, from: "ab@@..\"\\[]:IPv6ü-\u{308}<> ")
            : generator.octets(round % 40)
        guard let mailbox = try? Mailbox(parsing: octets.span) else { continue }
        #expect((try? Mailbox(parsing: mailbox.description)) == mailbox)
    }
}
