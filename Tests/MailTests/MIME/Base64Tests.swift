import Mail
import Testing

/// RFC 4648 §10.
private let vectors = [
    ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
    ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
]

private func encoded(_ bytes: [UInt8], lineLength: Int?, cuts: [Int] = []) -> [UInt8] {
    var encoder = Base64Encoder(lineLength: lineLength)
    var output: [UInt8] = []
    for piece in pieces(of: bytes, at: cuts) { encoder.encode(piece.span, into: &output) }
    encoder.finish(into: &output)
    return output
}

private func decoded(_ text: [UInt8], cuts: [Int] = []) throws(Base64Error) -> [UInt8] {
    var decoder = Base64Decoder()
    var output: [UInt8] = []
    for piece in pieces(of: text, at: cuts) { try decoder.decode(piece.span, into: &output) }
    try decoder.finish()
    return output
}

@Test("base64 gives the vectors of RFC 4648 both ways", arguments: vectors)
func base64Vector(plain: String, base64: String) throws {
    #expect(encoded(Array(plain.utf8), lineLength: nil) == Array(base64.utf8))
    #expect(try decoded(Array(base64.utf8)) == Array(plain.utf8))
}

@Test("base64 survives any cut, in lines and without", arguments: [nil, 4, 76, 77] as [Int?])
func base64Cuts(lineLength: Int?) throws {
    var generator = SeededGenerator(7)
    for count in [0, 1, 2, 3, 56, 57, 58, 114, 300, 1000] {
        let bytes = generator.octets(count)
        let whole = encoded(bytes, lineLength: lineLength)
        let lines = whole.split(separator: 10)
        #expect(lines.allSatisfy { lineLength == nil || $0.count <= (lineLength ?? 0) / 4 * 4 + 1 })
        #expect(count == 0 || lineLength == nil || whole.suffix(2) == [13, 10])
        for _ in 0..<20 {
            let places = (0..<4).map { _ in Int.random(in: 0...count, using: &generator) }
            #expect(encoded(bytes, lineLength: lineLength, cuts: places) == whole)
            let others = (0..<4).map { _ in Int.random(in: 0...whole.count, using: &generator) }
            #expect(try decoded(whole, cuts: others) == bytes)
        }
    }
}

private let broken: [(String, Base64Error)] = [
    ("Zg", .truncated), ("Zg=", .truncated), ("Z", .truncated), ("Zm9vY", .truncated),
    ("=", .misplacedPadding(offset: 0)), ("Z===", .misplacedPadding(offset: 1)),
    ("Zg===", .misplacedPadding(offset: 4)), ("Zg==Zg==", .misplacedPadding(offset: 4)),
    ("Zg=x", .misplacedPadding(offset: 3)), ("Zm9v-", .illegalCharacter(offset: 4)),
    ("Zm9_", .illegalCharacter(offset: 3)), ("Zm\u{0}9v", .illegalCharacter(offset: 2)),
    ("Zm9vZm9vé", .illegalCharacter(offset: 8)),
]

@Test("base64 that is none is refused where it breaks, however it is cut", arguments: broken)
func base64Refusal(of text: String, is error: Base64Error) {
    let octets = Array(text.utf8)
    for cut in 0...octets.count {
        #expect(throws: error) { try decoded(octets, cuts: [cut]) }
    }
}

@Test("blanks and line ends in base64 are passed over")
func base64Blanks() throws {
    #expect(try decoded(Array(" Zm\t9v\r\nYg\n=\r= \r\n".utf8)) == Array("foob".utf8))
}
