import Mail
import Testing

@Suite("The traits of content")
struct ContentSurveyTests {
    private static func line(_ count: Int) -> String {
        String(repeating: "x", count: count) + "\r\n"
    }

    static let contents: [(String, ContentTraits)] = [
        ("", []), ("a\r\nb\r\n", []), ("\u{fc}\r\n", .is8Bit), (line(998), []),
        (line(999), .hasLongLines), (String(repeating: "x", count: 998), []),
        (String(repeating: "x", count: 1000), .hasLongLines),
        (line(998) + line(998) + line(70), []), (line(70) + line(999) + line(3), .hasLongLines),
        (line(5) + "\u{20ac}" + line(2000), [.is8Bit, .hasLongLines]),
        ("a\0b\r\n", .isBinary), (line(90) + "\u{fc}" + line(90) + "\0", [.is8Bit, .isBinary]),
    ]
    @Test(
        "are noticed however the content is cut",
        arguments: contents,
        [1, 7, 500, 998, 1000, 9000]
    )
    func traits(_ content: (String, ContentTraits), size: Int) {
        let octets = Array(content.0.utf8)
        var survey = ContentSurvey()
        for start in stride(from: 0, to: octets.count, by: size) {
            survey.read(octets[start..<min(start + size, octets.count)].span)
        }
        #expect(survey.traits == content.1)
    }

    @Test("a long line is one of more than 998 octets, wherever it lies", arguments: 1...60)
    func lines(seed: Int) {
        var random = SeededGenerator(UInt64(seed))
        var octets: [UInt8] = []
        var longest = 0
        for _ in 0..<Int.random(in: 1...20, using: &random) {
            let count = Int.random(in: 900...(seed.isMultiple(of: 2) ? 998 : 1003), using: &random)
            longest = max(longest, count)
            octets += Array(Self.line(count).utf8)
        }
        var survey = ContentSurvey()
        var rest = octets[...]
        while !rest.isEmpty {
            let piece = rest.prefix(Int.random(in: 1...3000, using: &random))
            survey.read(piece.span)
            rest = rest.dropFirst(piece.count)
        }
        #expect(survey.traits.contains(.hasLongLines) == (longest > 998))
    }
}
