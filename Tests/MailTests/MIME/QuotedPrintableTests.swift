import Mail
import Testing

private func encoded(_ bytes: [UInt8], cuts: [Int] = []) -> [UInt8] {
    var encoder = QuotedPrintableEncoder()
    var output: [UInt8] = []
    for piece in pieces(of: bytes, at: cuts) { encoder.encode(piece.span, into: &output) }
    encoder.finish(into: &output)
    return output
}

private func decoded(_ bytes: [UInt8], cuts: [Int] = []) -> [UInt8] {
    var decoder = QuotedPrintableDecoder()
    var output: [UInt8] = []
    for piece in pieces(of: bytes, at: cuts) { decoder.decode(piece.span, into: &output) }
    decoder.finish(into: &output)
    return output
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
        let normal = normalized(plain)
        let whole = encoded(plain)
        let lines = whole.split(separator: 10, omittingEmptySubsequences: false)
        #expect(lines.allSatisfy { $0.count <= 77 })
        #expect(whole.allSatisfy { [9, 10, 13].contains($0) || (32...126).contains($0) })
        #expect(decoded(whole) == normal)
        for _ in 0..<5 {
            let places = (0..<4).map { _ in Int.random(in: 0...plain.count, using: &generator) }
            #expect(encoded(plain, cuts: places) == whole)
            let others = (0..<4).map { _ in Int.random(in: 0...whole.count, using: &generator) }
            #expect(decoded(whole, cuts: others) == normal)
        }
    }
}

private let tolerated: [(String, String)] = [
    ("a=\r\nb", "ab"), ("a= \t\r\nb", "ab"), ("a=\nb", "ab"), ("a  \r\nb", "a\r\nb"),
    ("=C3=bc", "ü"), ("=", ""), ("a=", "a"), ("=4", "=4"), ("=XY", "=XY"), ("==41", "=A"),
    ("100% = 1", "100% = 1"), ("=  x", "=  x"),
]

@Test("broken quoted-printable is read as far as it can be", arguments: tolerated)
func quotedPrintableTolerance(of quoted: String, gives plain: String) {
    for cut in 0...quoted.utf8.count {
        #expect(text(decoded(Array(quoted.utf8), cuts: [cut])) == plain)
    }
}

@Test("garbage never traps the decoder", arguments: 0..<UInt64(10))
func quotedPrintableGarbage(seed: UInt64) {
    var generator = SeededGenerator(seed)
    for round in 0..<100 {
        let noise = generator.octets(round, from: "=== \t\r\nA0fz")
        #expect(decoded(noise, cuts: [round / 2]) == decoded(noise))
    }
}
