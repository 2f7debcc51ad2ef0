import Testing

@testable import Wire

@Suite("Content on the wire")
struct ContentTests {
    /// Content and what a reader makes of it, up to the end of data.
    static let readings: [(String, String)] = [
        (".\r\n", ""),
        ("\r\n.\r\n", "\r\n"),
        ("a\r\n.\r\n", "a\r\n"),
        ("..\r\n.\r\n", ".\r\n"),
        (".a\r\n.\r\n", "a\r\n"),
        ("a\nb\rc\r\n.\r\n", "a\r\nb\r\nc\r\n"),
        ("a\n..b\r..c\r\n.\r\n", "a\r\n.b\r\n.c\r\n"),
        ("\r\r\n.\r\n", "\r\n\r\n"),
        ("a\r\n.\r\r\n.\r\n", "a\r\n.\r\n\r\n"),
        ("a\n.\r\n.\r\n", "a\r\n.\r\n"),
        ("a\r\n.\n.\r\n\r\n.\r\n", "a\r\n.\r\n.\r\n\r\n"),
        (
            String(repeating: "x", count: 5000) + "\r\n.\r\n",
            String(repeating: "x", count: 5000) + "\r\n"
        ),
    ]
    @Test(
        "content ends at CRLF.CRLF, loses a leading dot, and has whole line ends",
        arguments: readings
    )
    func reading(_ wire: String, _ expected: String) {
        for cuts in Cuts.all {
            let (content, rest) = read(Array((wire + "QUIT").utf8), cuts)
            #expect(String(decoding: content, as: UTF8.self) == expected)
            #expect(rest == Array("QUIT".utf8))
        }
    }

    /// What one server or another takes for a line end, or for nothing.
    private static let ends = [
        "\n", "\r", "\r\n", "\r\r\n", "\n\r", "\0\r\n", "\r\0\n", "\r\n\0", "\n\n", " \r\n",
        "\r\n ", "\r\n.", "\u{b}", "\u{85}",
    ]
    /// A dot between any two of them, but for the one that ends the data.
    static let smugglings = ends.flatMap { before in ends.map { before + "." + $0 } }
        .filter { !holdsEnd($0) }

    private static func holdsEnd(_ text: String) -> Bool {
        let octets = Array(text.utf8)
        let end = Array("\r\n.\r\n".utf8)
        return octets.indices.contains { octets[$0...].starts(with: end) }
    }

    @Test("nothing else ends the data, wherever it is cut", arguments: smugglings)
    func smuggling(_ trick: String) {
        let wire = Array("a\(trick)MAIL FROM:<evil@x>\r\n".utf8)
        for cuts in Cuts.all {
            let (_, rest) = read(wire, cuts)
            #expect(rest == nil)
        }
        for cut in 0...(trick.utf8.count + 1) {
            var session = SMTPServerSession(
                SMTPServerOptions(fqdn: "relay.example", peer: "::1"),
                date: "DATE"
            )
            session.receive(
                "HELO x\r\nMAIL FROM:<>\r\nRCPT TO:<postmaster>\r\nDATA\r\n".utf8.span
            )
            var content: [UInt8] = []
            for piece in [[], wire[..<cut], wire[cut...]] {
                session.receive(piece.span)
                while let event = session.next() {
                    if case .content(let octets) = event { content += octets }
                    #expect(event != .endOfContent)
                    session.accept()
                }
            }
            #expect(String(decoding: content, as: UTF8.self).contains("MAIL FROM:<evil@x>"))
            expectWholeLines(content)
        }
    }

    @Test("any cut gives the same content", arguments: 1...300)
    func cutting(seed: Int) {
        var random = SplitMix(seed)
        let wire = random.bytes(200, of: Array("ab..\r\r\n\n".utf8)) + Array("\r\n\r\n.\r\n".utf8)
        let whole = read(wire, .whole)
        #expect(whole.rest != nil)
        for cuts in [Cuts.everyOctet, .random(seed: seed)] {
            #expect(read(wire, cuts) == whole)
        }
        expectWholeLines(whole.content)
    }

    @Test("what is stuffed is read back, normalised, at any cut", arguments: 1...300)
    func roundTrip(seed: Int) {
        var random = SplitMix(seed)
        let content = random.bytes(seed % 90, of: Array("ab..\r\r\n\n".utf8))
        let wire = stuffed(content, .whole)
        for cuts in [Cuts.everyOctet, .random(seed: seed)] {
            #expect(stuffed(content, cuts) == wire)
        }
        let (back, rest) = read(wire, .whole)
        #expect(rest == [])
        #expect(back == normalised(content))
    }

    @Test("one oddity in many whole lines is met at any place", arguments: 0...200)
    func oddities(place: Int) {
        let lines = Array(
            repeatElement("thirty octets stand in a line\r\n", count: 6).joined().utf8
        )
        for oddity in ["\n", "\r", "\r\n", "\n.", "\r\n.", "\r\n..", "\n\r", "\r\r\n", "."] {
            var content = lines
            content.insert(contentsOf: oddity.utf8, at: min(place, content.count))
            let wire = stuffed(content, .everyOctet)
            #expect(stuffed(content, .whole) == wire)
            #expect(read(wire, .whole).content == normalised(content))
            // As it is, with dots that nobody doubled and line ends that nobody mended.
            let raw = content + Array("\r\n.\r\n".utf8)
            let (slow, quick) = (read(raw, .everyOctet), read(raw, .whole))
            #expect(slow == quick)
        }
    }

    static let stuffings: [(String, String)] = [
        ("", ".\r\n"), ("a", "a\r\n.\r\n"), ("a\r\n", "a\r\n.\r\n"), ("a\r", "a\r\n.\r\n"),
        ("a\n", "a\r\n.\r\n"), (".", "..\r\n.\r\n"), ("\n.\r.\r\n.", "\r\n..\r\n..\r\n..\r\n.\r\n"),
        (".\r\n", "..\r\n.\r\n"), ("a.b", "a.b\r\n.\r\n"),
    ]
    @Test("content goes out with whole lines, doubled dots and one end", arguments: stuffings)
    func stuffing(_ content: String, _ expected: String) {
        for cuts in Cuts.all {
            let wire = stuffed(Array(content.utf8), cuts)
            #expect(String(decoding: wire, as: UTF8.self) == expected)
        }
    }

    private func read(
        _ wire: [UInt8],
        _ cuts: Cuts
    ) -> (content: [UInt8], rest: [UInt8]?) {
        var reader = SMTPContentReader()
        var content: [UInt8] = []
        var offset = 0
        for piece in cuts.pieces(of: wire) {
            if let end = reader.read(piece.span, into: &content) {
                return (content, Array(wire[(offset + end)...]))
            }
            offset += piece.count
        }
        return (content, nil)
    }

    private func stuffed(_ content: [UInt8], _ cuts: Cuts) -> [UInt8] {
        var stuffer = DotStuffer()
        var wire: [UInt8] = []
        for piece in cuts.pieces(of: content) { stuffer.stuff(piece.span, into: &wire) }
        stuffer.finish(into: &wire)
        return wire
    }

    /// The slow way: every line end becomes CRLF, and the last line has one.
    private func normalised(_ content: [UInt8]) -> [UInt8] {
        var lines: [[UInt8]] = [[]]
        var index = 0
        while index < content.count {
            let byte = content[index]
            if byte == 13, index + 1 < content.count, content[index + 1] == 10 { index += 1 }
            if byte == 13 || byte == 10 {
                lines.append([])
            } else {
                lines[lines.count - 1].append(byte)
            }
            index += 1
        }
        if lines.last == [] { lines.removeLast() }
        return lines.flatMap { $0 + [13, 10] }
    }

    private func expectWholeLines(_ content: [UInt8]) {
        for (index, byte) in content.enumerated() {
            if byte == 13 { #expect(index + 1 < content.count && content[index + 1] == 10) }
            if byte == 10 { #expect(index > 0 && content[index - 1] == 13) }
        }
    }
}
