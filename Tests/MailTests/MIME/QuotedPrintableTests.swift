import Testing

@testable import Mail

private func encoded(_ bytes: [UInt8], cuts: [Int] = []) -> [UInt8] {
    var encoder = QuotedPrintableEncoder()
    var output: [UInt8] = []
    for piece in pieces(of: bytes, at: cuts) { encoder.encode(piece.span, into: &output) }
    encoder.finish(into: &output)
    return output
}

/// The plain reading of what is written here: no blank ends a line, and a `=` begins a code.
private func decoded(_ quoted: [UInt8]) -> [UInt8] {
    let joined = text(quoted).replacing("=\r\n", with: "")
    let parts = joined.split(separator: "=", omittingEmptySubsequences: false)
    return Array((parts.first ?? "").utf8)
        + parts.dropFirst().flatMap { part in
            (UInt8(part.prefix(2), radix: 16).map { [$0] } ?? []) + Array(part.dropFirst(2).utf8)
        }
}

private func text(_ octets: [UInt8]) -> String { String(decoding: octets, as: UTF8.self) }

private let forms: [(String, String)] = [
    ("", ""), ("plain", "plain"), ("a=b", "a=3Db"), ("für", "f=C3=BCr"),
    ("a \r\nb\t", "a=20\r\nb=09"), ("a b", "a b"), ("a  b", "a  b"), ("a\nb\rc", "a\r\nb\r\nc"),
    ("\u{0}", "=00"), ("\r\n\r\n", "\r\n\r\n"), (" ", "=20"), ("  \r\n", " =20\r\n"),
    // RFC 2045 §6.7's own example of a soft break.
    (
        "Now's the time for all folk to come to the aid of their country, as the saying goes today.",
        "Now's the time for all folk to come to the aid of their country, as the say=\r\ning goes today."
    ),
]

@Test("text becomes quoted-printable as RFC 2045 has it", arguments: forms)
func quotedPrintableForm(plain: String, quoted: String) {
    #expect(text(encoded(Array(plain.utf8))) == quoted)
}

@Test("quoted-printable survives any cut and keeps to 76 columns", arguments: 0..<UInt64(20))
func quotedPrintableSurvival(seed: UInt64) {
    var generator = SeededGenerator(seed)
    for round in 0..<30 {
        let plain =
            round % 2 == 0
            ? generator.octets(round * 13, from: "abcdefghijklmnopqrstuvwxyz    =ü\t.")
            : generator.octets(round * 13)
        let whole = encoded(plain)
        let lines = whole.split(separator: 10, omittingEmptySubsequences: false)
        #expect(lines.allSatisfy { $0.count <= 77 })
        #expect(whole.allSatisfy { [9, 10, 13].contains($0) || (32...126).contains($0) })
        #expect(decoded(whole) == normalized(plain))
        for _ in 0..<5 {
            let places = (0..<4).map { _ in Int.random(in: 0...plain.count, using: &generator) }
            #expect(encoded(plain, cuts: places) == whole)
        }
    }
}
