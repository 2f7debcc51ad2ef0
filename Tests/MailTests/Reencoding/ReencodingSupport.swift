import Mail

/// Both passes over a mail, each with its own cuts.
func reencoded(
    _ mail: [UInt8],
    for capacity: ContentCapacity = .sevenBit,
    cuts: [Int] = [.max, .max]
) -> [UInt8] {
    var survey = ReencodingSurvey(for: capacity)
    for piece in pieces(of: mail, size: cuts[0]) { survey.read(piece.span) }
    var reencoder = Reencoder(survey.finish())
    var output: [UInt8] = []
    for piece in pieces(of: mail, size: cuts[1]) { reencoder.read(piece.span, into: &output) }
    reencoder.finish(into: &output)
    return output
}

func reencoded(_ mail: String, for capacity: ContentCapacity = .sevenBit) -> String {
    String(decoding: reencoded(Array(mail.utf8), for: capacity), as: UTF8.self)
}

extension ContentCapacity {
    static let sevenBit = ContentCapacity(takes8BitBody: false, takes8BitHeader: false)
    static let eightBit = ContentCapacity(takes8BitBody: true, takes8BitHeader: true)
}

private func pieces(of mail: [UInt8], size: Int) -> [ArraySlice<UInt8>] {
    stride(from: 0, to: mail.count, by: min(size, max(mail.count, 1))).map {
        mail[$0..<min($0 + min(size, mail.count), mail.count)]
    }
}

/// Lines in quotes, each ended by CRLF.
func lines(_ lines: String...) -> String { lines.map { $0 + "\r\n" }.joined() }

/// Mails of any structure, with their share of 8-bit text, long lines and careless writers.
struct RandomMail {
    var random: SeededGenerator
    let isBinary: Bool
    private var boundaries = 0

    init(seed: Int, isBinary: Bool = false) {
        random = SeededGenerator(UInt64(seed))
        self.isBinary = isBinary
    }

    mutating func octets() -> [UInt8] {
        let body = part(depth: 0)
        let start =
            "From: a@corp.example\r\nSubject: x\r\nDate: Sun, 22 Nov 2026 11:09:24 +0000\r\n"
        return Array((start + (chance(3) ? "" : "MIME-Version: 1.0\r\n")).utf8) + body
    }

    private mutating func chance(_ of: Int) -> Bool { Int.random(in: 0..<of, using: &random) == 0 }

    /// Header, empty line and body.
    private mutating func part(depth: Int) -> [UInt8] {
        switch Int.random(in: 0..<(depth < 4 ? 10 : 6), using: &random) {
        case 6, 7, 8: return multipart(depth: depth)
        case 9:
            let label = chance(2) ? "Content-Transfer-Encoding: 8bit\r\n" : ""
            let head = "Content-Type: message/rfc822\r\n\(label)\r\nSubject: inner\r\n"
            return Array(head.utf8) + part(depth: depth + 1)
        default: return leaf()
        }
    }

    private mutating func multipart(depth: Int) -> [UInt8] {
        boundaries += 1
        let boundary = "b\(boundaries)" + (chance(2) ? " odd:\(boundaries)" : "")
        let kind = chance(4) ? "digest" : "mixed"
        var octets = Array(
            "Content-Type: multipart/\(kind); boundary=\"\(boundary)\"\r\n".utf8
        )
        if chance(2) { octets += Array("Content-Transfer-Encoding: 8bit\r\n".utf8) }
        octets += Array("\r\n".utf8)
        if chance(3) { octets += Array("preamble\r\n".utf8) }
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            octets += Array("--\(boundary)\(chance(4) ? "  " : "")\r\n".utf8)
            octets += part(depth: depth + 1) + Array("\r\n".utf8)
        }
        // Where nothing ends it, readers differ on whose the last line end is.
        if isBinary || !chance(8) { octets += Array("--\(boundary)--\r\n".utf8) }
        if chance(4) { octets += Array("epilogue\r\n".utf8) }
        return octets
    }

    private mutating func leaf() -> [UInt8] {
        let types = [
            "text/plain; charset=utf-8", "text/html", "application/pdf; name=\"a.pdf\"",
            "image/png",
        ]
        let type = types[Int.random(in: 0..<types.count, using: &random)]
        let content = content()
        switch Int.random(in: 0..<6, using: &random) {
        case 0:
            var text: [UInt8] = []
            var encoder = Base64Encoder(lineLength: chance(3) ? 2000 : 76)
            encoder.encode(content.span, into: &text)
            encoder.finish(into: &text)
            return head(type, "base64") + text.dropLast(2)
        case 1:
            let text = content.map { 33...126 ~= $0 && $0 != 61 ? $0 : 95 }
            return head(type, "quoted-printable") + text
        case 2 where isBinary: return head(type, "binary") + content
        case 3: return head(type, nil) + content
        default: return head(type, "8bit") + content
        }
    }

    private func head(_ type: String, _ coding: String?) -> [UInt8] {
        let label = coding.map { "Content-Transfer-Encoding: \($0)\r\n" } ?? ""
        return Array("Content-Type: \(type)\r\n\(label)\r\n".utf8)
    }

    private mutating func content() -> [UInt8] {
        if isBinary, chance(2) {
            let size = Int.random(in: 0...300, using: &random)
            return random.octets(size).map { $0 == 45 ? 46 : $0 }
        }
        var octets: [UInt8] = []
        for _ in 0..<Int.random(in: 0...6, using: &random) {
            let size = chance(5) ? Int.random(in: 990...2500, using: &random) : 20
            octets += random.octets(size, from: chance(2) ? "abc =.-\t" : "a\u{fc}\u{20ac} =b")
            octets += [13, 10]
        }
        return Array(octets.dropLast(2))
    }
}
