import Mail
import Testing

@testable import Policy

@Suite("Address and domain patterns")
struct PatternTests {
    static let addresses: [(pattern: String, matches: [String], misses: [String])] = [
        ("*", ["a@b.example", "\"x y\"@[192.0.2.1]"], []),
        (
            "ann@corp.example", ["ann@corp.example", "ANN@CORP.EXAMPLE", "Ann@corp.example"],
            ["bob@corp.example", "ann@mail.corp.example", "ann@corp.example.org"]
        ),
        (
            "Ann@Corp.Example", ["ann@corp.example"], ["ann.b@corp.example"]
        ),
        (
            "*@corp.example", ["ann@corp.example", "bob@corp.example"],
            ["ann@mail.corp.example", "ann@xcorp.example"]
        ),
        (
            "*@*.corp.example",
            ["ann@corp.example", "ann@mail.corp.example", "ann@a.b.corp.example"],
            ["ann@xcorp.example", "ann@corp.example.org", "ann@example"]
        ),
        (
            "\"x y\"@corp.example", ["\"x y\"@corp.example", "\"X Y\"@corp.example"],
            ["x@corp.example"]
        ),
        ("\"ann\"@corp.example", ["ann@corp.example"], []),
        ("ann@münchen.example", ["ann@xn--mnchen-3ya.example"], ["ann@munchen.example"]),
        ("*@[192.0.2.1]", ["ann@[192.0.2.1]"], ["ann@[192.0.2.2]"]),
    ]

    @Test("a pattern is held against mailboxes without regard to case", arguments: addresses)
    func matching(text: String, matches: [String], misses: [String]) throws {
        let pattern = try #require(AddressPattern(text))
        for address in matches { #expect(pattern.matches(Mailbox(address)), "\(address)") }
        for address in misses { #expect(!pattern.matches(Mailbox(address)), "\(address)") }
        #expect(AddressPattern(pattern.description) == pattern)
    }

    @Test(
        "what is none of a@d, *@d, *@*.d and * is no pattern",
        arguments: [
            "", "@", "ann", "ann@", "@corp.example", "*@", "*@*", "ann@*", "ann@*.corp.example",
            "a@b@corp.example", "a b@corp.example", "ann*@corp.example", "**@corp.example",
            "*@*corp.example", "*@corp.*", "*@mail.*.example", "*corp.example", "corp.example",
            "*@*.[192.0.2.1]", "Ann <ann@corp.example>", " ann@corp.example", "ann@corp..example",
        ]
    )
    func refusal(of text: String) {
        #expect(AddressPattern(text) == nil)
    }

    static let printed = [
        ("*", "*"), ("*@Corp.Example", "*@corp.example"), ("*@*.corp.example", "*@*.corp.example"),
        ("Ann@Corp.Example", "ann@corp.example"), ("\"x y\"@d.example", "\"x y\"@d.example"),
    ]

    @Test("patterns print as they are written", arguments: printed)
    func printing(text: String, expected: String) {
        #expect(AddressPattern(text)?.description == expected)
    }

    static let domains: [(pattern: String, matches: [String], misses: [String])] = [
        ("*", ["corp.example", "[192.0.2.1]"], []),
        ("corp.example", ["corp.example"], ["a.corp.example", "xcorp.example", "example"]),
        ("CORP.example", ["corp.example"], ["corp.example.org"]),
        (
            "*.corp.example", ["corp.example", "a.corp.example", "a.b.corp.example"],
            ["xcorp.example"]
        ),
        ("münchen.example", ["xn--mnchen-3ya.example"], ["münchen.example"]),
        ("*.xn--mnchen-3ya.example", ["a.xn--mnchen-3ya.example"], []),
        ("[192.0.2.1]", ["[192.0.2.1]"], ["[192.0.2.2]"]),
    ]

    @Test("a domain pattern holds canonical domains", arguments: domains)
    func domainMatching(text: String, matches: [String], misses: [String]) throws {
        let pattern = try #require(DomainPattern(text))
        for domain in matches { #expect(pattern.matches(domain), "\(domain)") }
        for domain in misses { #expect(!pattern.matches(domain), "\(domain)") }
        #expect(DomainPattern(pattern.description) == pattern)
    }

    @Test(
        "Exchange's invalid address spaces are invalid here",
        arguments: [
            "", "*.", ".", "*.*", "**", "*corp.example", "mail.*.corp.example", "corp.*",
            ".corp.example", "corp.example.", "corp..example", "*.[192.0.2.1]", "-corp.example",
            "a b", "ann@corp.example", "*.*.corp.example",
        ]
    )
    func domainRefusal(of text: String) {
        #expect(DomainPattern(text) == nil)
    }
}
