import Mail
import Testing

@testable import Policy

@Suite("Address ranges")
struct AddressRangeTests {
    static let forms: [(text: String, lower: String, upper: String, printed: String)] = [
        ("10.1.30.7", "10.1.30.7", "10.1.30.7", "10.1.30.7"),
        ("10.1.20.0/24", "10.1.20.0", "10.1.20.255", "10.1.20.0/24"),
        ("192.168.0.1/24", "192.168.0.0", "192.168.0.255", "192.168.0.0/24"),
        ("255.255.255.255/1", "128.0.0.0", "255.255.255.255", "128.0.0.0/1"),
        ("9.8.7.6/0", "0.0.0.0", "255.255.255.255", "0.0.0.0/0"),
        ("9.8.7.6/31", "9.8.7.6", "9.8.7.7", "9.8.7.6/31"),
        ("9.8.7.6/32", "9.8.7.6", "9.8.7.6", "9.8.7.6"),
        ("10.1.31.5-10.1.31.9", "10.1.31.5", "10.1.31.9", "10.1.31.5-10.1.31.9"),
        ("10.0.0.0-10.0.0.255", "10.0.0.0", "10.0.0.255", "10.0.0.0/24"),
        ("10.0.0.1-10.0.1.0", "10.0.0.1", "10.0.1.0", "10.0.0.1-10.0.1.0"),
        ("10.0.0.5-10.0.0.5", "10.0.0.5", "10.0.0.5", "10.0.0.5"),
        ("0.0.0.0-255.255.255.255", "0.0.0.0", "255.255.255.255", "0.0.0.0/0"),
        ("::/0", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::/0"),
        ("2001:db8::1/48", "2001:db8::", "2001:db8:0:ffff:ffff:ffff:ffff:ffff", "2001:db8::/48"),
        ("2001:db8::1", "2001:db8::1", "2001:db8::1", "2001:db8::1"),
        ("2001:db8::1/128", "2001:db8::1", "2001:db8::1", "2001:db8::1"),
        ("2001:db8::1-2001:db8::3", "2001:db8::1", "2001:db8::3", "2001:db8::1-2001:db8::3"),
        ("fe80::/10", "fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fe80::/10"),
        ("::ffff:10.1.2.3", "10.1.2.3", "10.1.2.3", "10.1.2.3"),
        ("::ffff:10.1.2.3/104", "10.0.0.0", "10.255.255.255", "10.0.0.0/8"),
        ("::ffff:0.0.0.0/96", "0.0.0.0", "255.255.255.255", "0.0.0.0/0"),
        ("::ffff:10.0.0.1-::ffff:10.0.0.2", "10.0.0.1", "10.0.0.2", "10.0.0.1-10.0.0.2"),
        ("::ffff:10.0.0.1-10.0.0.2", "10.0.0.1", "10.0.0.2", "10.0.0.1-10.0.0.2"),
    ]

    @Test("a range is an address, a block with or without host bits, or a-b", arguments: forms)
    func reading(text: String, lower: String, upper: String, printed: String) throws {
        let range = try #require(AddressRange(text))
        #expect(range.lower == ip(lower))
        #expect(range.upper == ip(upper))
        #expect(range.description == printed)
        #expect(AddressRange(printed) == range)
    }

    @Test(
        "anything else is no range",
        arguments: [
            "", "/", "-", "10.0.0.0/", "/24", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/-0",
            "10.0.0.0/+8", "10.0.0.0/ 8", "10.0.0.0/8 ", "10.0.0.0/8/8", "10.0.0.0/0x8",
            "10.0.0.0/99999999999999999999", "2001:db8::/129", "::ffff:10.0.0.0/95",
            "::ffff:10.0.0.0/129", "10.0.0.9-10.0.0.1", "10.0.0.1-", "-10.0.0.1",
            "10.0.0.1-10.0.0.2-10.0.0.3", "10.0.0.1-2001:db8::1", "::-10.0.0.1",
            "10.0.0.1 - 10.0.0.2", "10.0.0.0/24-10.0.1.0/24", "10.0.0", "10.0.0.256", "010.0.0.1",
            "10.0.0.*", "corp.example", "[::1]", "fe80::1%eth0", "everyone", "10.0.0.1,10.0.0.2",
        ]
    )
    func refusal(of text: String) {
        #expect(AddressRange(text) == nil)
    }

    @Test(
        "a block that ends among the v4-mapped addresses is of two families, so of none",
        arguments: ["::/80", "::8000:0:0/81", "::fffe:0:0/95"]
    )
    func mappedEnd(text: String) {
        #expect(AddressRange(text) == nil)
    }

    @Test("a range holds its ends and nothing beyond them, and no other family")
    func membership() {
        let block = range("10.1.31.5-10.1.31.9")
        for (address, isInside) in [
            ("10.1.31.4", false), ("10.1.31.5", true), ("10.1.31.7", true), ("10.1.31.9", true),
            ("10.1.31.10", false), ("::ffff:10.1.31.6", true), ("::a01:1f06", false),
        ] {
            #expect(block.contains(ip(address)) == isInside, "\(address)")
        }
        #expect(range("::/0").contains(ip("::1")))
        #expect(!range("::/0").contains(ip("10.0.0.1")))
        #expect(!range("::/0").contains(ip("::ffff:10.0.0.1")))
        #expect(!range("0.0.0.0/0").contains(ip("::1")))
    }

    static let pairs: [(String, String, overlaps: Bool, contains: Bool)] = [
        ("10.0.0.0/8", "10.0.0.0/8", true, true), ("10.0.0.0/8", "10.9.0.0/16", true, true),
        ("10.9.0.0/16", "10.0.0.0/8", true, false),
        ("10.0.0.1-10.0.0.5", "10.0.0.5-10.0.0.9", true, false),
        ("10.0.0.1-10.0.0.5", "10.0.0.6-10.0.0.9", false, false),
        ("0.0.0.0/0", "::/0", false, false), ("::/0", "::1", true, true),
    ]

    @Test("ranges know whether they touch and whether one holds the other", arguments: pairs)
    func relation(one: String, other: String, overlaps: Bool, contains: Bool) {
        #expect(range(one).overlaps(range(other)) == overlaps)
        #expect(range(other).overlaps(range(one)) == overlaps)
        #expect(range(one).contains(range(other)) == contains)
    }

    @Test("whatever is printed is read again", arguments: [UInt64(1), 2, 3])
    func roundTrip(seed: UInt64) {
        var dice = Dice(seed)
        for _ in 0..<500 {
            let isV4 = dice.hits(2)
            let random = { (dice: inout Dice) -> IPAddress in
                isV4
                    ? IPAddress(v4: UInt32.random(in: 0...(.max), using: &dice))
                    : IPAddress(v6: UInt128.random(in: (1 << 64)...(.max), using: &dice))
            }
            let (one, two) = (random(&dice), random(&dice))
            let (lower, upper) = one.value <= two.value ? (one, two) : (two, one)
            let block = "\(one)/\(Int.random(in: (isV4 ? 0 : 1)...one.width, using: &dice))"
            for range in [AddressRange(lower, through: upper), range(block)] {
                #expect(AddressRange(range.description) == range)
            }
            #expect(range(block).contains(one))
        }
    }
}

@Suite("Bindings")
struct BindingTests {
    static let forms: [(text: String, address: String?, family: IPAddress.Family, port: Int)] = [
        ("0.0.0.0:25", nil, .v4, 25), ("[::]:25", nil, .v6, 25),
        ("127.0.0.1:8025", "127.0.0.1", .v4, 8025), ("[::1]:8025", "::1", .v6, 8025),
        ("10.1.2.3:65535", "10.1.2.3", .v4, 65_535), ("10.1.2.3:0", "10.1.2.3", .v4, 0),
        ("[2001:db8::25]:587", "2001:db8::25", .v6, 587),
    ]

    @Test("a binding is an address and a port, printed as it is written", arguments: forms)
    func reading(text: String, address: String?, family: IPAddress.Family, port: Int) throws {
        let binding = try #require(Binding(text))
        #expect(binding == Binding(family: family, address: address.map(ip), port: port))
        #expect(binding.description == text)
    }

    @Test("a v4-mapped binding is one of IPv4")
    func mapped() throws {
        #expect(Binding("[::ffff:10.1.2.3]:25") == Binding("10.1.2.3:25"))
        #expect(Binding("[::ffff:0.0.0.0]:25") == Binding("0.0.0.0:25"))
    }

    @Test(
        "anything else is no binding",
        arguments: [
            "", ":25", "25", "10.1.2.3", "10.1.2.3:", "10.1.2.3:65536", "10.1.2.3:-1",
            "10.1.2.3:+25", "10.1.2.3: 25", "10.1.2.3:25 ", "10.1.2.3:smtp", "::1:25", "[::1]",
            "[::1]25", "[10.1.2.3]:25", "[::1:25", "::1]:25", "localhost:25", "*:25",
            "10.1.2.0/24:25", "10.1.2.3:99999999999999999999",
        ]
    )
    func refusal(of text: String) {
        #expect(Binding(text) == nil)
    }

    @Test("loopback is 127.0.0.0/8 and ::1; a wildcard is none")
    func loopback() {
        let expected = [
            ("127.0.0.1:25", true), ("127.9.9.9:25", true), ("[::1]:25", true),
            ("128.0.0.1:25", false), ("0.0.0.0:25", false), ("[::]:25", false), ("[::2]:25", false),
        ]
        for (text, isLoopback) in expected {
            #expect(bindings([text])[0].isLoopback == isLoopback, "\(text)")
        }
    }
}
