/// Text beyond ASCII in header fields (RFC 2047).
enum EncodedWord {
    /// The longest word, delimiters included (§2).
    private static let limit = 75
    private static let frame = "=?utf-8?q??=".utf8.count
    /// What may stand for itself in a phrase (§5 rule 3); it serves everywhere else too.
    private static let literals = ByteSet.alphanumerics.union("!*+-/")
    private static let hexDigits = Array("0123456789ABCDEF".utf8)

    /// The text as encoded words, in the shorter of the two encodings. No word splits a character.
    /// The first word has at most `room` octets, or the usual 75 where that is too narrow.
    static func words(for text: some StringProtocol, room: Int = limit) -> [[UInt8]] {
        let quotedSize = text.utf8.reduce(0) {
            $0 + ($1 == .space || literals.contains($1) ? 1 : 3)
        }
        let isBase64 = quotedSize > (text.utf8.count + 2) / 3 * 4
        var words: [[UInt8]] = []
        var pending: [UInt8] = []
        var width = 0
        var space = max(room >= 30 ? min(room, limit) : limit, 30) - frame
        for scalar in text.unicodeScalars {
            let octets = Array(String(scalar).utf8)
            let size = isBase64 ? octets.count : octets.reduce(0) { $0 + self.width(of: $1) }
            let capacity = isBase64 ? space / 4 * 3 : space
            if width + size > capacity {
                words.append(word(pending, isBase64: isBase64))
                pending = []
                width = 0
                space = limit - frame
            }
            pending += octets
            width += size
        }
        if !pending.isEmpty { words.append(word(pending, isBase64: isBase64)) }
        return words
    }

    private static func width(of octet: UInt8) -> Int {
        octet == .space || literals.contains(octet) ? 1 : 3
    }

    private static func word(_ content: [UInt8], isBase64: Bool) -> [UInt8] {
        var word = Array((isBase64 ? "=?utf-8?b?" : "=?utf-8?q?").utf8)
        if isBase64 {
            var encoder = Base64Encoder(lineLength: nil)
            encoder.encode(content.span, into: &word)
            encoder.finish(into: &word)
        } else {
            for octet in content {
                if octet == .space {
                    word.append(UInt8(ascii: "_"))
                } else if literals.contains(octet) {
                    word.append(octet)
                } else {
                    word.append(UInt8(ascii: "="))
                    word.append(hexDigits[Int(octet >> 4)])
                    word.append(hexDigits[Int(octet & 15)])
                }
            }
        }
        word.append("?=")
        return word
    }
}
