import Mail
import Testing

private func written(_ octets: [UInt8], cuts: [Int] = []) -> [UInt8] {
    var lines = LineEndings()
    var output: [UInt8] = []
    for piece in pieces(of: octets, at: cuts) { lines.normalise(piece.span, into: &output) }
    return output
}

private let texts: [(String, String)] = [
    ("", ""), ("a", "a"), ("a\r\nb\r\n", "a\r\nb\r\n"), ("a\nb\n", "a\r\nb\r\n"),
    ("a\rb\r", "a\r\nb\r\n"), ("\r", "\r\n"), ("\n", "\r\n"), ("\r\n", "\r\n"),
    ("\n\r", "\r\n\r\n"), ("\n\n", "\r\n\r\n"), ("\r\r", "\r\n\r\n"), ("\r\r\n", "\r\n\r\n"),
    ("\r\n\n", "\r\n\r\n"), ("\r\n\r", "\r\n\r\n"), ("\r\n\r\n", "\r\n\r\n"),
    ("a\r\n\r\nb\n\r\n\rc", "a\r\n\r\nb\r\n\r\n\r\nc"), ("für\rä", "für\r\nä"),
    // Longer than a block of those that are searched at once.
    (
        String(repeating: "x", count: 70) + "\n" + String(repeating: "y", count: 40) + "\r\nz",
        String(repeating: "x", count: 70) + "\r\n" + String(repeating: "y", count: 40) + "\r\nz"
    ),
]

@Test("every line end becomes CRLF, wherever two cuts fall", arguments: texts)
func lineEndings(of text: String, become expected: String) {
    let octets = Array(text.utf8)
    for first in 0...octets.count {
        for second in first...octets.count {
            let output = written(octets, cuts: [first, second])
            #expect(String(decoding: output, as: UTF8.self) == expected)
        }
    }
}

@Test("a CR at a piece's end makes one line end with an LF that follows, and with nothing else")
func halvedLineEnds() {
    let cases: [([String], String)] = [
        (["a\r", "\nb"], "a\r\nb"), (["a\r", "b"], "a\r\nb"), (["a\r", "\rb"], "a\r\n\r\nb"),
        (["a\r", "", "\nb"], "a\r\nb"), (["a\r", "\n", "\nb"], "a\r\n\r\nb"),
        (["a\n", "\nb"], "a\r\n\r\nb"), (["a\r\n", "\nb"], "a\r\n\r\nb"), (["a\r"], "a\r\n"),
    ]
    for (pieces, expected) in cases {
        var lines = LineEndings()
        var output: [UInt8] = []
        for piece in pieces { lines.normalise(piece.utf8.span, into: &output) }
        #expect(String(decoding: output, as: UTF8.self) == expected)
    }
}

@Test("octet by octet gives the same line ends as at once", arguments: 0..<UInt64(20))
func lineEndingsOfGarbage(seed: UInt64) {
    var generator = SeededGenerator(seed)
    for round in 0..<20 {
        let octets = generator.octets(round * 7, from: "ab\r\r\n\n.")
        #expect(written(octets) == normalized(octets))
        #expect(written(octets, cuts: Array(0...octets.count)) == normalized(octets))
    }
}

@Test("one bare line end in many whole lines is met at any place", arguments: 0...120)
func lineEndingsOfLongText(place: Int) {
    let lines = Array(repeatElement("a line of some length\r\n", count: 5).joined().utf8)
    for oddity in ["\n", "\r", "\r\n", "\n\r", "\r\r\n"] {
        var octets = lines
        octets.insert(contentsOf: oddity.utf8, at: min(place, octets.count))
        #expect(written(octets) == normalized(octets))
    }
}
