import Mail
import Testing

@Suite("Re-encoding for a next hop")
struct ReencoderTests {
    private static let long = String(repeating: "x", count: 1200)

    static let conversions: [(String, String)] = [
        // A device that knows no MIME: what it wrote is UTF-8, or nobody knows what.
        (
            lines("Subject: x", "", "Gr\u{fc}\u{df}e"),
            lines(
                "Subject: x",
                "Content-Type: text/plain; charset=utf-8",
                "Content-Transfer-Encoding: quoted-printable",
                "MIME-Version: 1.0",
                "",
                "Gr=C3=BC=C3=9Fe"
            )
        ),
        // The label is replaced, the rest of the header stays as it came.
        (
            lines(
                "X-A:  1",
                "MIME-Version: 1.0",
                "content-type: text/plain;",
                " charset=UTF-8",
                "Content-Transfer-Encoding: 8BIT (raw)",
                "",
                "\u{e4} = 1"
            ),
            lines(
                "X-A:  1",
                "MIME-Version: 1.0",
                "content-type: text/plain;",
                " charset=UTF-8",
                "Content-Transfer-Encoding: quoted-printable",
                "",
                "=C3=A4 =3D 1"
            )
        ),
        // What is mostly codes, or no text, is shorter in base64.
        (
            lines("Content-Type: image/png", "MIME-Version: 1.0", "", "\u{e4}"),
            lines(
                "Content-Type: image/png",
                "MIME-Version: 1.0",
                "Content-Transfer-Encoding: base64",
                "",
                "w6QNCg=="
            )
        ),
        // Quoted-printable that breaks its own rules is mended, not encoded twice.
        (
            lines(
                "MIME-Version: 1.0",
                "Content-Transfer-Encoding: quoted-printable",
                "",
                "=41\u{e4}"
            ),
            lines(
                "MIME-Version: 1.0",
                "Content-Transfer-Encoding: quoted-printable",
                "",
                "=41=C3=A4"
            )
        ),
        (
            lines("MIME-Version: 1.0", "Content-Transfer-Encoding: base64", "", "QUJD\u{e4}REVG"),
            lines("MIME-Version: 1.0", "Content-Transfer-Encoding: base64", "", "QUJDREVG")
        ),
        // One part is converted, its neighbour and what is between them is not.
        (
            lines(
                "MIME-Version: 1.0",
                "Content-Type: multipart/mixed; boundary=b",
                "Content-Transfer-Encoding: 8bit",
                "",
                "--b",
                "",
                "clean",
                "--b  ",
                "Content-Type: text/plain; charset=utf-8",
                "",
                "\u{e4}",
                "",
                "--b--",
                "bye \u{e4}"
            ),
            lines(
                "MIME-Version: 1.0",
                "Content-Type: multipart/mixed; boundary=b",
                "Content-Transfer-Encoding: 7bit",
                "",
                "--b",
                "",
                "clean",
                "--b  ",
                "Content-Type: text/plain; charset=utf-8",
                "Content-Transfer-Encoding: quoted-printable",
                "",
                "=C3=A4",
                "",
                "--b--",
                "bye ??"
            )
        ),
        // A boundary that never comes is no structure: the body is one piece.
        (
            lines(
                "MIME-Version: 1.0",
                "Content-Type: multipart/mixed; boundary=b",
                "",
                "Gr\u{fc}\u{df}e, Anna"
            ),
            lines(
                "MIME-Version: 1.0",
                "Content-Type: text/plain; charset=utf-8",
                "Content-Transfer-Encoding: quoted-printable",
                "",
                "Gr=C3=BC=C3=9Fe, Anna"
            )
        ),
        (
            lines(
                "MIME-Version: 1.0",
                "Content-Type: multipart/mixed",
                "",
                "Gr\u{fc}\u{df}e, Anna"
            ),
            lines(
                "MIME-Version: 1.0",
                "Content-Type: text/plain; charset=utf-8",
                "Content-Transfer-Encoding: quoted-printable",
                "",
                "Gr=C3=BC=C3=9Fe, Anna"
            )
        ),
        // Nobody knows what is in an encoding that RFC 2045 does not have.
        (
            lines(
                "MIME-Version: 1.0",
                "Content-Type: text/plain",
                "Content-Transfer-Encoding: x-uue",
                "",
                "\u{e4}"
            ),
            lines(
                "MIME-Version: 1.0",
                "Content-Type: application/octet-stream",
                "Content-Transfer-Encoding: base64",
                "",
                "w6QNCg=="
            )
        ),
        // A header without an empty line behind it.
        (
            lines(
                "MIME-Version: 1.0",
                "Content-Type: multipart/mixed; boundary=b",
                "",
                "--b",
                "Gr\u{fc}\u{df}e an alle",
                "--b--"
            ),
            lines(
                "MIME-Version: 1.0",
                "Content-Type: multipart/mixed; boundary=b",
                "",
                "--b",
                "Content-Type: text/plain; charset=utf-8",
                "Content-Transfer-Encoding: quoted-printable",
                "",
                "Gr=C3=BC=C3=9Fe an alle",
                "--b--"
            )
        ),
    ]
    @Test("converts the parts that need it, and only them", arguments: conversions)
    func conversion(_ mail: String, _ expected: String) {
        #expect(reencoded(mail) == expected)
    }

    static let fields: [(String, String)] = [
        ("Subject: Gr\u{fc}\u{df}e", "Subject: =?utf-8?b?R3LDvMOfZQ==?="),
        ("Subject: =?utf-8?q?=C3=A4?= \u{e4}", "Subject: =?utf-8?b?w6Qgw6Q=?="),
        ("From: J\u{fc}rgen <j@corp.example>", "From: =?utf-8?q?J=C3=BCrgen?= <j@corp.example>"),
        ("X-Note: caf\u{e9} and more", "X-Note: =?utf-8?b?Y2Fmw6k=?= and more"),
        ("Message-ID: <\u{e4}@x>", "Message-ID: <??@x>"),
        (
            "Content-Disposition: attachment; filename=\"\u{dc}bersicht.pdf\"",
            "Content-Disposition: attachment; filename*=utf-8''%C3%9Cbersicht.pdf"
        ),
        ("To: ;;\u{e4}\u{e4}; not an address", "To: ;;????; not an address"),
        ("References: " + String(repeating: "<a@b> ", count: 3), "References: <a@b> <a@b> <a@b> "),
    ]
    @Test("writes header fields beyond ASCII in the form that is theirs", arguments: fields)
    func field(_ field: String, _ expected: String) {
        #expect(reencoded(lines(field, "", "x")) == lines(expected, "", "x"))
        // A next hop with 8BITMIME takes them as they came.
        #expect(reencoded(lines(field, "", "x"), for: .eightBit) == lines(field, "", "x"))
    }

    @Test("reads a raw header that is not UTF-8 as Windows-1252")
    func windows() {
        let mail = Array("Subject: Gr".utf8) + [0xfc, 0xdf, 0x80] + Array("\r\n\r\nx\r\n".utf8)
        let text = String(decoding: reencoded(mail), as: UTF8.self)
        #expect(text == lines("Subject: =?utf-8?b?R3LDvMOf4oKs?=", "", "x"))
    }

    static let longFields = [
        "To: " + (1...200).map { "user\($0)@corp.example" }.joined(separator: ", "),
        "To: " + (1...200).map { "user\($0)@corp.example" }.joined(separator: ","),
        "Subject: " + String(repeating: "word ", count: 400) + "end",
        "Subject: " + String(repeating: "x", count: 3000),
        "X-Data: " + String(repeating: "y", count: 997) + "\r\n "
            + String(repeating: "z", count: 3000),
        "DKIM-Signature: v=1; b=" + String(repeating: "A", count: 3000),
        "References: " + (1...100).map { "<\($0)@corp.example>" }.joined(separator: " "),
        "X-Blank: a" + String(repeating: " ", count: 2000) + "b",
    ]
    @Test("folds long header lines without changing what they say", arguments: longFields)
    func longField(_ field: String) throws {
        for capacity in [ContentCapacity.sevenBit, .eightBit] {
            let output = reencoded(lines(field, "", "x"), for: capacity)
            expectFit(Array(output.utf8), for: capacity)
            let before = HeaderBlock(parsing: Array(field.utf8).span).fields[0]
            let after = try #require(HeaderBlock(parsing: Array(output.utf8).span).fields.first)
            let words = { (field: HeaderField) in field.decoded.replacing(" ", with: "") }
            #expect(words(after) == words(before))
            #expect(!output.contains("\r\n \r\n") && output.hasSuffix("\r\n\r\nx\r\n"))
        }
    }

    @Test("leaves what is fit as it is, to the octet", arguments: 1...60)
    func identity(seed: Int) {
        var mail = RandomMail(seed: seed)
        let octets = mail.octets().map { $0 < 0x80 ? $0 : 63 }
        let text = String(decoding: octets, as: UTF8.self)
        guard !text.split(separator: "\r\n").contains(where: { $0.utf8.count > 998 }) else {
            return
        }
        #expect(reencoded(octets) == octets)
    }

    @Test("keeps a signed part as it is while its neighbour is converted")
    func signature() {
        let signed = lines(
            "Content-Type: multipart/signed; boundary=s; protocol=\"application/pgp-signature\"",
            "Content-Transfer-Encoding: 8bit",
            "",
            "--s",
            "Content-Type:  text/plain",
            "Content-Transfer-Encoding: 8bit",
            "",
            "ascii only",
            "--s",
            "Content-Type: application/pgp-signature",
            "",
            "AAAA",
            "--s--"
        )
        let mail =
            lines("MIME-Version: 1.0", "Content-Type: multipart/mixed; boundary=m", "", "--m")
            + signed + lines("--m", "", "\u{e4}", "--m--")
        let output = reencoded(mail)
        #expect(output.contains(signed))
        expectFit(Array(output.utf8), for: .sevenBit)
    }

    @Test("any cut gives the same mail", arguments: 1...60)
    func cuts(seed: Int) {
        var mail = RandomMail(seed: seed, isBinary: seed.isMultiple(of: 2))
        let octets = mail.octets()
        let whole = reencoded(octets)
        for cuts in [[1, 1], [7, 64], [.max, 3], [900, .max]] {
            #expect(reencoded(octets, cuts: cuts) == whole)
        }
        #expect(reencoded(whole) == whole, "what was made fit stays as it is")
    }

    @Test("garbage becomes fit too", arguments: 1...200)
    func garbage(seed: Int) {
        var random = SeededGenerator(UInt64(seed))
        let words = [
            "Content-Type: ", "multipart/mixed; boundary=b", "message/rfc822", "\r\n", "\r\n",
            "--b",
            "--b--", "Content-Transfer-Encoding: ", "8bit", "base64", "quoted-printable", "binary",
            "\u{e4}", "\n", "\r", " ", ":", ";", "=", "x", Self.long, "Subject: ", "\0", "\t",
            "text/plain; charset=\"", "To: ", "a@b, ", "multipart/digest; boundary=c", "--c",
        ]
        var octets: [UInt8] = []
        for _ in 0..<60 {
            octets += Array(words[Int.random(in: 0..<words.count, using: &random)].utf8)
        }
        // As the door keeps it.
        var normal: [UInt8] = []
        var lineEndings = LineEndings()
        lineEndings.normalise(octets.span, into: &normal)
        for capacity in [ContentCapacity.sevenBit, .eightBit] {
            let output = reencoded(normal, for: capacity)
            expectFit(output, for: capacity)
            #expect(reencoded(normal, for: capacity, cuts: [5, 3]) == output)
        }
    }

    private func expectFit(_ octets: [UInt8], for capacity: ContentCapacity) {
        var survey = ContentSurvey()
        survey.read(octets.span)
        #expect(!survey.traits.contains(.hasLongLines))
        if !capacity.takes8BitBody { #expect(!survey.traits.contains(.is8Bit)) }
    }
}

@Suite("Re-encoded mail, read by Python")
struct ReencodedMailTests {
    @Test("says the same, in lines that any next hop takes", arguments: [false, true])
    func meaning(isBinary: Bool) throws {
        let mails = (1...150).map { seed in
            var mail = RandomMail(seed: seed, isBinary: isBinary)
            return mail.octets()
        }
        let before = try PythonReader.read(mails)
        for capacity in [ContentCapacity.sevenBit, .eightBit] {
            let outputs = mails.map { reencoded($0, for: capacity) }
            let after = try PythonReader.read(outputs)
            for (index, (old, new)) in zip(before, after).enumerated() {
                let seed = Comment("seed \(index + 1)")
                #expect(new.longestLine <= 998, seed)
                #expect(new.root.shape == old.root.shape, seed)
                for (old, new) in zip(old.root.leaves, new.root.leaves) {
                    let same = zip(old.octets, new.octets).prefix { $0 == $1 }.count
                    let isSame = old.octets == new.octets
                    #expect(isSame, "\(seed): \(old.type) differs after \(same) octets")
                }
                #expect(new.header("Subject") == old.header("Subject"), seed)
                if capacity == .sevenBit { #expect(outputs[index].allSatisfy { $0 < 0x80 }, seed) }
            }
        }
    }
}
