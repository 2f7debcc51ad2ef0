import Testing

@testable import Crypto

private func bytes(_ hex: String) -> [UInt8] {
    let digits = hex.compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}

@Suite("What guards secrets")
struct SecretTests {
    static let derivations: [(secret: String, salt: String, Scrypt, expected: String)] = [
        (
            "", "", Scrypt(cost: 16, blockSize: 1, parallelism: 1),
            """
            77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442
            fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906
            """
        ),
        (
            "password", "NaCl", Scrypt(cost: 1024, blockSize: 8, parallelism: 16),
            """
            fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162
            2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640
            """
        ),
        (
            "pleaseletmein", "SodiumChloride", Scrypt(cost: 16384, blockSize: 8, parallelism: 1),
            """
            7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2
            d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887
            """
        ),
    ]

    @Test("scrypt gives the keys of RFC 7914 §12", arguments: derivations)
    func scrypt(secret: String, salt: String, parameters: Scrypt, expected: String) throws {
        let key = try parameters.derive(
            64,
            from: Array(secret.utf8).span,
            salt: Array(salt.utf8).span
        )
        #expect(key == bytes(expected))
    }

    @Test(
        "scrypt refuses parameters that cannot be, or that would fill the memory",
        arguments: [
            Scrypt(cost: 1, blockSize: 8, parallelism: 1),
            Scrypt(cost: 1000, blockSize: 8, parallelism: 1),
            Scrypt(cost: 1024, blockSize: 0, parallelism: 1),
            Scrypt(cost: 1 << 24, blockSize: 8, parallelism: 1),
            Scrypt(cost: -2, blockSize: 8, parallelism: 1),
        ]
    )
    func refusal(of parameters: Scrypt) {
        #expect(throws: CryptoError.self) {
            try parameters.derive(32, from: [1].span, salt: [2].span)
        }
    }

    /// RFC 2202 §2, RFC 4231 §4.2 and §4.3, and the exchange of RFC 2195 §2.
    @Test("HMAC gives the published digests")
    func hmac() throws {
        let key = [UInt8](repeating: 0x0b, count: 16)
        let greeting = Array("Hi There".utf8)
        let (jefe, what) = (Array("Jefe".utf8), Array("what do ya want for nothing?".utf8))
        #expect(
            try HMAC.md5(greeting.span, key: key.span) == bytes("9294727a3638bb1c13f48ef8158bfc9d")
        )
        #expect(
            try HMAC.md5(what.span, key: jefe.span) == bytes("750c783e6ab0b503eaa86e310a5db738")
        )
        let challenge = Array("<1896.697170952@postoffice.reston.mci.net>".utf8)
        let answer = try HMAC.md5(challenge.span, key: Array("tanstaaftanstaaf".utf8).span)
        #expect(answer == bytes("b913a602c7eda7a495b4e6e7334d3890"))
        #expect(
            try HMAC.sha256(greeting.span, key: [UInt8](repeating: 0x0b, count: 20).span)
                == bytes("b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7")
        )
        #expect(
            try HMAC.sha256(what.span, key: jefe.span)
                == bytes("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
        )
    }

    @Test("HMAC takes an empty key and an empty message")
    func emptyHMAC() throws {
        let nothing: [UInt8] = []
        #expect(
            try HMAC.md5(nothing.span, key: nothing.span)
                == bytes("74e6f7298a9c2d168935f58c001bad88")
        )
    }

    /// Test cases 13 to 16 of McGrew and Viega's GCM, which NIST took over.
    static let boxes: [(key: String, nonce: String, plain: String, context: String, String)] = [
        (
            String(repeating: "00", count: 32), String(repeating: "00", count: 12), "", "",
            "530f8afbc74536b9a963b4f1c4cb738b"
        ),
        (
            String(repeating: "00", count: 32), String(repeating: "00", count: 12),
            String(repeating: "00", count: 16), "",
            "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"
        ),
        (
            "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
            "cafebabefacedbaddecaf888",
            """
            d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72
            1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39
            """,
            "feedfacedeadbeeffeedfacedeadbeefabaddad2",
            """
            522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa
            8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662
            76fc6ece0f4e1768cddf8853bb2d551b
            """
        ),
    ]

    @Test("AES-256-GCM gives NIST's boxes, and opens them", arguments: boxes)
    func box(key: String, nonce: String, plain: String, context: String, sealed: String) throws {
        let cipher = try #require(AES256GCM(key: bytes(key)))
        let (plain, context) = (bytes(plain), bytes(context))
        let box = try cipher.seal(plain.span, context: context.span, nonce: bytes(nonce))
        #expect(box == bytes(nonce) + bytes(sealed))
        #expect(try cipher.open(box.span, context: context.span) == plain)
    }

    @Test("a box that was changed, cut or moved opens for nobody")
    func tampering() throws {
        let cipher = try #require(AES256GCM(key: SecureRandom.bytes(32)))
        let other = try #require(AES256GCM(key: SecureRandom.bytes(32)))
        let context: [UInt8] = [7]
        let box = try cipher.seal(Array("printer".utf8).span, context: context.span)
        #expect(box != (try cipher.seal(Array("printer".utf8).span, context: context.span)))
        for index in box.indices {
            var changed = box
            changed[index] ^= 1
            #expect(try cipher.open(changed.span, context: context.span) == nil)
            #expect(try cipher.open(Array(box[..<index]).span, context: context.span) == nil)
        }
        #expect(try cipher.open(box.span, context: [8].span) == nil)
        #expect(try other.open(box.span, context: context.span) == nil)
        #expect(AES256GCM(key: [1, 2, 3]) == nil)
    }
}
