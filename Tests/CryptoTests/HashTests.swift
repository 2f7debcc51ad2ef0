import Crypto
import Testing

func hex(_ bytes: [UInt8]) -> String {
    bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
}

func crc(_ bytes: [UInt8]) -> UInt32 { CRC32.checksum(bytes.span) }

func isEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    constantTimeEqual(left.span, right.span)
}

func sha256(_ bytes: [UInt8]) -> [UInt8] { SHA256.digest(bytes.span) }

/// FIPS 180-4 examples, and the empty message.
let digests: [(String, String)] = [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
]

@Test("SHA-256 gives the published digests, at once and at every cut", arguments: digests)
func digest(of text: String, is expected: String) {
    let bytes = Array(text.utf8)
    #expect(hex(sha256(bytes)) == expected)
    for cut in 0...bytes.count {
        var hash = SHA256()
        hash.update(Array(bytes[..<cut]).span)
        hash.update(Array(bytes[cut...]).span)
        #expect(hex(hash.finish()) == expected)
    }
}

@Test("a copied hash goes its own way, and a finished one starts anew")
func copies() {
    var one = SHA256()
    one.update(Array("a".utf8).span)
    var two = one
    two.update(Array("x".utf8).span)
    one.update(Array("bc".utf8).span)
    #expect(hex(one.finish()) == digests[1].1)
    #expect(hex(one.finish()) == digests[0].1)
    #expect(two.finish() == sha256(Array("ax".utf8)))
}

@Test("CRC-32 is zlib's")
func checksum() {
    #expect(crc(Array("123456789".utf8)) == 0xcbf4_3926)
    #expect(crc([]) == 0)
}

@Test("random bytes have the length asked for and do not repeat")
func randomness() {
    #expect([0, 1, 16, 4096].allSatisfy { SecureRandom.bytes($0).count == $0 })
    #expect(SecureRandom.bytes(32) != SecureRandom.bytes(32))
}

@Test("equality in constant time is equality")
func equality() {
    let one: [UInt8] = [1, 2, 3]
    #expect(isEqual(one, [1, 2, 3]))
    #expect(isEqual([], []))
    for other: [UInt8] in [[1, 2, 4], [0, 2, 3], [1, 2], [1, 2, 3, 0], []] {
        #expect(!isEqual(one, other))
    }
}
