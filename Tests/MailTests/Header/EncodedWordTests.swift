import Testing

@testable import Mail

/// RFC 2047 §8, and what the field sends.
private let words: [(String, String)] = [
    ("=?ISO-8859-1?Q?a?=", "a"),
    ("=?ISO-8859-1?Q?a?= b", "a b"),
    ("=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab"),
    ("=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=", "ab"),
    ("=?ISO-8859-1?Q?a_b?=", "a b"),
    ("=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=", "a =?ISO-8859-2?Q?_b?="),
    ("=?US-ASCII?Q?Keith_Moore?= <moore@cs.utk.edu>", "Keith Moore <moore@cs.utk.edu>"),
    ("=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?=", "Keld Jørn Simonsen"),
    ("=?ISO-8859-1?Q?Andr=E9?= Pirard", "André Pirard"),
    (
        "=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?= =?ISO-8859-1?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=",
        "If you can read this you understand the example."
    ),
    ("=?iso-8859-15?q?=A4?=", "€"), ("=?Windows-1252?Q?=80_=93x=94?=", "€ “x”"),
    ("=?utf-8*en?q?x?=", "x"), ("=?UTF-8?B?w7w?=", "ü"),
    // A character split over two words.
    ("=?utf-8?b?w?= x", "=?utf-8?b?w?= x"), ("=?utf-8?q?=C3?= =?utf-8?q?=BC?=", "ü"),
    ("=?iso-8859-1?q?=FC?= =?utf-8?q?=C3=BC?=", "üü"),
    ("plain", "plain"), ("a=b?c", "a=b?c"), ("=?utf-8?q?x", "=?utf-8?q?x"),
    ("=?koi8-r?b?8NLJ18XU?=", "=?koi8-r?b?8NLJ18XU?="), ("=?utf-8?x?y?=", "=?utf-8?x?y?="),
    ("=?utf-8?q?a b?=", "=?utf-8?q?a b?="), ("=?utf-8?q?=zz?=", "=zz"), ("=?", "=?"),
    ("=?=", "=?="),
]

@Test("encoded words are decoded as RFC 2047 shows", arguments: words)
func decoding(of text: String, gives plain: String) {
    #expect(EncodedWord.decode(text) == plain)
}

private let texts = [
    "", "plain", "für", "Backup für Server01 fehlgeschlagen", "漢字のみ", "🔥 prod-db-1 is down 🔥",
    "a  b", " leading", "trailing ", "  ", "=?utf-8?q?not_a_word?=", "x =?utf-8?q?y?= z", "a=?b",
    String(repeating: "ü", count: 500), String(repeating: "🔥", count: 200),
    String(repeating: "long ascii words ", count: 60) + "end",
    String(repeating: "x", count: 3000), "ü " + String(repeating: "word ", count: 40) + "ü",
    "e\u{301}\u{308} combined", "tab\tinside", "\"quoted\" (comment) <angle> ,;:",
]

@Test("any text survives a header field, whose lines are short and ASCII", arguments: texts)
func headerTextSurvival(of text: String) {
    for name in ["Subject", "X-" + String(repeating: "n", count: 60)] {
        let field = HeaderField(name: name, value: text)
        let lines = field.body.split(separator: 10, omittingEmptySubsequences: false)
        let expected = text.replacing("\t", with: " ")
        #expect(field.decoded == expected, "\(field.text)")
        #expect(field.body.allSatisfy { $0 < 127 && ($0 >= 32 || $0 == 13 || $0 == 10) })
        #expect(lines.dropFirst().allSatisfy { $0.first == 32 && $0.count <= 79 && $0.count > 1 })
        for word in field.text.split(separator: " ") where word.hasPrefix("=?") {
            #expect(word.utf8.count <= 75)
        }
        #expect(reread(field).fields == [field])
    }
}

private func reread(_ field: HeaderField) -> HeaderBlock {
    var block = HeaderBlock()
    block.fields = [field]
    let octets = block.octets
    return HeaderBlock(parsing: octets.span)
}

@Test("no text can begin a line of its own")
func headerInjection() {
    let breaks = ["\r\n", "\n", "\r", "\u{0}", "\u{85}", "\u{2028}", "\u{b}", "\r\n\r\n", "\n\r"]
    for mark in breaks {
        for value in ["x\(mark)Bcc: evil@example.com", "ü\(mark)Bcc: evil@example.com", mark] {
            let field = HeaderField(name: "Subject", value: value)
            #expect(reread(field).fields.map(\.name) == ["Subject"])
            #expect(!field.decoded.unicodeScalars.contains { $0.value < 32 })
        }
    }
}

@Test("random text survives, and random headers never trap", arguments: 0..<UInt64(20))
func encodedWordGarbage(seed: UInt64) {
    var generator = SeededGenerator(seed)
    let letters = Array("ab =?_üé漢🔥\"<>,utf-8qb")
    for round in 0..<60 {
        let text = String(
            (0..<round * 3).map { _ in letters.randomElement(using: &generator) ?? "a" }
        )
        #expect(HeaderField(name: "Subject", value: text).decoded == text)
        let noise = generator.octets(round, from: "=?utf-8?qb?=_ ?=")
        _ = EncodedWord.decode(String(decoding: noise, as: UTF8.self))
    }
}
