import Crypto
import Testing

@testable import Mail

@Suite("DKIM") struct DKIMTests {
    // MARK: Forms (RFC 6376 §3.4)

    static let bodies: [(String, String)] = [
        (" C \r\nD \t E\r\n\r\n\r\n", " C\r\nD E\r\n"),  // §3.4.5
        ("", ""), ("\r\n", ""), ("\r\n\r\n\r\n", ""), (" \t\r\n \r\n", ""),
        ("a", "a\r\n"), ("a ", "a\r\n"), ("a\r\n\r\nb", "a\r\n\r\nb\r\n"),
        ("\r\na\r\n", "\r\na\r\n"), ("a\r\n \t\r\n b", "a\r\n\r\n b\r\n"),
        ("a\rb\nc \r d\r\n", "a\rb\nc \r d\r\n"), ("a\r\r\n", "a\r\r\n"), ("a \r", "a \r\r\n"),
        ("\u{e9}\t\u{e9}\r\n", "\u{e9} \u{e9}\r\n"),
    ]

    @Test("a body has one relaxed form, wherever it is cut", arguments: bodies)
    func relaxedBody(_ body: String, _ form: String) {
        let octets = Array(body.utf8)
        for first in 0...octets.count {
            for second in first...octets.count {
                let output = Self.relaxed(pieces(of: octets, at: [first, second]))
                #expect(output == Array(form.utf8), "\(first), \(second)")
            }
        }
    }

    private static func relaxed(_ pieces: [[UInt8]]) -> [UInt8] {
        var relaxed = RelaxedBody()
        var output: [UInt8] = []
        for piece in pieces { relaxed.read(piece.span, into: &output) }
        relaxed.finish(into: &output)
        return output
    }

    @Test(
        "a field has one relaxed form",
        arguments: [
            ("A: X\r\n", "a:X"), ("B : Y\t\r\n\tZ  \r\n", "b:Y Z"),  // §3.4.5
            ("SUBJect:\tAbC\r\n", "subject:AbC"), ("X:\r\n", "x:"),
            ("X:\r\n  a\r\n\t b \r\n", "x:a b"),
        ]
    )
    func relaxedField(_ field: String, _ form: String) {
        let header = HeaderBlock(parsing: Array(field.utf8).span)
        let relaxed = header.fields.first?.relaxed
        #expect(relaxed == Array(form.utf8))
    }

    // MARK: RFC 8463, appendix A

    static let dinner = """
        From: Joe SixPack <joe@football.example.com>
        To: Suzie Q <suzie@shopping.example.net>
        Subject: Is dinner ready?
        Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
        Message-ID: <20030712040037.46341.5F8J@football.example.com>

        Hi.

        We lost the game.  Are you hungry yet?

        Joe.

        """.replacingLineEnds

    @Test("the Ed25519 signature of RFC 8463 comes out to the octet")
    func vector() throws {
        let key = try SigningKey(pem: Self.brisbane)
        let publicKey = Base64Encoder.encode(key.publicKey.span)
        #expect(publicKey == "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")
        let own = HeaderField(
            name: "DKIM-Signature",
            body: Array(
                """
                 v=1; a=ed25519-sha256; c=relaxed/relaxed;
                 d=football.example.com; i=@football.example.com;
                 q=dns/txt; s=brisbane; t=1528637909; h=from : to :
                 subject : date : message-id : from : subject : date;
                 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
                 b=
                """.replacingLineEnds.utf8
            )
        )
        let names = ["from", "to", "subject", "date", "message-id", "from", "subject", "date"]
        let header = HeaderBlock(parsing: Array(Self.dinner.utf8).span)
        let signed = DKIMSignature.canonical(header, names, own)
        let signer = DKIMKey(domain: "football.example.com", selector: "brisbane", key: key)
        let octets = try signer.sign(signed)
        let signature = Base64Encoder.encode(octets.span)
        #expect(
            signature
                == "/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus"
                + "Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw=="
        )
    }

    @Test("the body hash of RFC 6376 comes out, wherever the mail is cut")
    func bodyHash() throws {
        let octets = Array(Self.dinner.utf8)
        for cut in stride(from: 0, to: octets.count, by: 3) {
            let field = try Self.sign([try Self.key()], pieces(of: octets, at: [cut]))
            #expect(field.unfolded.contains(" bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;"))
        }
    }

    // MARK: What is signed, and by whom

    @Test(
        "a key signs for its domain and those below it, and for no other",
        arguments: [
            ("joe@corp.example", true), ("joe@a.b.corp.example", true), ("joe@CORP.example", true),
            ("joe@xcorp.example", false), ("joe@example", false), ("joe@corp.example.net", false),
        ]
    )
    func authors(_ author: String, _ isSigned: Bool) throws {
        let mail = Array("From: J <\(author)>\r\n\r\nHi".utf8)
        let fields = try Self.sign([try Self.key("corp.example")], [mail])
        #expect(fields.isEmpty == !isSigned)
    }

    @Test("each key signs, and lines keep to 78 columns")
    func severalKeys() throws {
        let keys = [
            try Self.key("corp.example"),
            DKIMKey(
                domain: "corp.example",
                selector: "ed",
                key: try SigningKey.generate(.ed25519)
            ),
        ]
        let mail = Array("From: a@corp.example\r\nTo: b@c\r\n\r\nHi".utf8)
        let text = try Self.sign(keys, [mail])
        #expect(text.unfolded.contains("a=rsa-sha256; c=relaxed/relaxed; d=corp.example; s=p1;"))
        #expect(text.unfolded.contains("a=ed25519-sha256;"))
        #expect(text.unfolded.contains(" t=1528637909;"))
        #expect(text.split(separator: "\r\n").allSatisfy { $0.utf8.count <= 78 })
        #expect(text.hasSuffix("\r\n"))
    }

    @Test("what is there is signed as often as it is there, and From once more")
    func names() {
        let header = HeaderBlock(
            parsing: Array("Received: x\r\nFrom: a\r\nX-Own: y\r\nList-Id: l\r\n".utf8).span
        )
        let names = DKIMSignature.signedNames(in: header)
        #expect(names.count { $0 == "from" } == 2)
        #expect(names.contains("list-id") && names.contains("reply-to"))
        #expect(!names.contains("received") && !names.contains("x-own"))
    }

    @Test("of several fields of one name the lowest is signed first")
    func order() {
        let header = HeaderBlock(parsing: Array("Cc: one\r\nCc: two\r\n".utf8).span)
        let own = HeaderField(name: "D", value: "b=")
        let signed = DKIMSignature.canonical(header, ["cc", "cc", "cc"], own)
        #expect(signed == Array("cc:two\r\ncc:one\r\nd:b=".utf8))
    }

    @Test("a record is cut into strings of 255 octets", arguments: SigningKey.Kind.allCases)
    func record(_ kind: SigningKey.Kind) throws {
        let key = DKIMKey(domain: "d", selector: "s", key: try SigningKey.generate(kind))
        #expect(key.recordName == "s._domainkey.d")
        #expect(key.recordStrings.joined() == key.record)
        #expect(key.recordStrings.allSatisfy { $0.utf8.count <= 255 })
        #expect(key.recordStrings.count == (kind == .rsa ? 2 : 1))
        #expect(key.record.hasPrefix("v=DKIM1; k=\(kind.rawValue); p="))
    }

    @Test("a key survives its PEM form, and only RSA and Ed25519 are keys")
    func keys() throws {
        let key = try SigningKey.generate(.ed25519)
        let again = try SigningKey(pem: try key.pem())
        #expect(again == key)
        let other = try SigningKey.generate(.ed25519)
        #expect(other != key)
        let p256 = try SelfSignedCertificate(
            commonName: "x",
            names: [],
            addresses: [],
            validDays: 1
        ).privateKeyPEM
        #expect(throws: CryptoError.self) { try SigningKey(pem: p256) }
        #expect(throws: CryptoError.self) { try SigningKey(pem: "no key") }
    }

    /// The fields as text.
    private static func sign(_ keys: [DKIMKey], _ pieces: [[UInt8]]) throws -> String {
        var signing = DKIMSigning(keys, at: Timestamp(milliseconds: 1_528_637_909_000))
        for piece in pieces { signing.read(piece.span) }
        return String(decoding: try signing.finish(), as: UTF8.self)
    }

    private static let rsa = Result { try SigningKey.generate(.rsa) }

    static func key(_ domain: String = "football.example.com") throws -> DKIMKey {
        DKIMKey(domain: domain, selector: "p1", key: try rsa.get())
    }

    private static let brisbane = """
        -----BEGIN PRIVATE KEY-----
        MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
        -----END PRIVATE KEY-----
        """
}

extension String {
    fileprivate var replacingLineEnds: String {
        split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\r\n")
    }

    fileprivate var unfolded: String { split(separator: "\r\n").joined() }
}
