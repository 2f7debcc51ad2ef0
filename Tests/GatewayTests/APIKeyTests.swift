import Crypto
import Testing

@testable import Gateway

/// Contract sections 7 and 9, with a CRC-32 and a base 62 of the test's own.
@Suite("API keys")
struct APIKeyTests {
    private static let digits = Array(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    )

    /// CRC-32 (IEEE 802.3, reflected), bit by bit.
    private static func crc(_ text: String) -> UInt32 {
        var register: UInt32 = 0xffff_ffff
        for octet in text.utf8 {
            register ^= UInt32(octet)
            for _ in 0..<8 {
                register = register & 1 == 1 ? register >> 1 ^ 0xedb8_8320 : register >> 1
            }
        }
        return ~register
    }

    private static func sixDigits(_ number: UInt32) -> String {
        var weight: UInt64 = 916_132_832  // 62⁵
        var rest = UInt64(number)
        var text = ""
        while weight > 0 {
            text.append(digits[Int(rest / weight)])
            rest %= weight
            weight /= 62
        }
        return text
    }

    private static func key(_ body: String) -> String { body + sixDigits(crc(body)) }

    @Test("this test's arithmetic is that of the world")
    func arithmetic() {
        #expect(Self.crc("123456789") == 0xcbf4_3926)
        #expect(Self.sixDigits(0) == "000000" && Self.sixDigits(61) == "00000z")
        #expect(Self.sixDigits(62) == "000010" && Self.sixDigits(.max) == "4gfFC3")
    }

    @Test("a key is pst, its kind, 12 public characters, 32 secret ones and a checksum")
    func reading() throws {
        let body = "psta_0123456789ABabcdefghijklmnopqrstuvwxyzABCDEF"
        #expect(body.utf8.count == 49)
        let key = try #require(APIKey(Self.key(body)))
        #expect(key.kind == .application)
        #expect(key.id == "0123456789AB")
        #expect(key.text == Self.key(body))
        let administrator = try #require(APIKey(Self.key("pstd" + body.dropFirst(4))))
        #expect(administrator.kind == .administrator)
    }

    @Test("a checksum keeps its leading zeros")
    func padding() throws {
        // A body whose CRC-32 is small: found by trying, checked by arithmetic.
        var body = ""
        for number in 0..<200_000 {
            let tail = String(number)
            body = "psta_" + String(repeating: "0", count: 44 - tail.utf8.count) + tail
            if Self.crc(body) < 916_132_832 / 4 { break }
        }
        #expect(Self.sixDigits(Self.crc(body)).first == "0")
        #expect(APIKey(Self.key(body)) != nil)
    }

    @Test(
        "what is issued is read again, and no two are alike",
        arguments: [
            APIKey.Kind.application, .administrator,
        ]
    )
    func generating(kind: APIKey.Kind) throws {
        var seen: Set<String> = []
        for _ in 0..<200 {
            let key = APIKey.generate(kind)
            #expect(key.text.utf8.count == 55)
            #expect(key.text == Self.key(String(key.text.dropLast(6))))
            let again = try #require(APIKey(key.text))
            #expect(again.id == key.id && again.kind == kind && again.digest == key.digest)
            #expect(key.text.dropFirst(5).hasPrefix(key.id) && key.id.count == 12)
            #expect(seen.insert(key.id).inserted)
        }
    }

    @Test("one wrong character, wherever it is, makes no key")
    func typingErrors() {
        let text = Array(Self.key("psta_0123456789ABabcdefghijklmnopqrstuvwxyzABCDEF"))
        for index in text.indices {
            for wrong in ["x", "_", " ", "é", "\0"] as [Character] where text[index] != wrong {
                var copy = text
                copy[index] = wrong
                #expect(APIKey(String(copy)) == nil, "\(index)")
            }
        }
    }

    @Test("neighbours swapped, cut and longer texts are no keys")
    func otherErrors() {
        let text = Self.key("psta_0123456789ABabcdefghijklmnopqrstuvwxyzABCDEF")
        for length in 0..<55 { #expect(APIKey(String(text.prefix(length))) == nil) }
        for extra in [" ", "0", "\n"] { #expect(APIKey(text + extra) == nil) }
        #expect(APIKey(" " + text) == nil)
        #expect(APIKey(text.uppercased()) == nil)
        var swapped = Array(text)
        swapped.swapAt(20, 21)
        #expect(APIKey(String(swapped)) == nil)
        // Kinds that nobody issues, though their checksum is right.
        for kind in ["x", "A", "_"] {
            #expect(
                APIKey(Self.key("pst\(kind)_0123456789ABabcdefghijklmnopqrstuvwxyzABCDEF")) == nil
            )
        }
        // A digit that is none, though the checksum is right.
        #expect(APIKey(Self.key("psta_0123456789AB-bcdefghijklmnopqrstuvwxyzABCDEF")) == nil)
    }

    @Test("at rest it is the SHA-256 of the whole key")
    func digest() throws {
        let key = APIKey.generate(.application)
        let octets = Array(key.text.utf8)
        #expect(key.digest == SHA256.digest(octets.span))
        #expect(key.digest.count == 32)
    }
}

@Suite("Scopes")
struct ScopeTests {
    @Test("the scopes and those that app add gives are the contract's")
    func names() {
        #expect(
            Scope.standard.map(\.rawValue).sorted() == [
                "alerts:ingest", "alerts:read", "messages:manage", "messages:read", "messages:send",
            ]
        )
        #expect(
            Set(Scope.allCases.map(\.rawValue)) == [
                "messages:send", "messages:read", "messages:manage", "messages:content",
                "alerts:ingest", "alerts:read", "alerts:manage", "admin",
            ]
        )
    }

    @Test("no application holds admin")
    func admin() {
        #expect(!Scope.grantable.contains(.admin))
        #expect(Scope.grantable.count == Scope.allCases.count - 1)
    }

    @Test("an administrator has every scope, nobody has none")
    func holders() {
        for scope in Scope.allCases {
            #expect(Identity.localAdministrator(0).holds(scope))
            #expect(!Identity.nobody.holds(scope))
        }
    }
}
