extension EncodedWord {
    /// The text with its encoded words decoded. What is no encoded word, or is of a character set
    /// that is not known here, stays as it is.
    static func decode(_ text: String) -> String {
        guard text.utf8.contains(UInt8(ascii: "=")) else { return text }
        let octets = Array(text.utf8)
        var output: [UInt8] = []
        var waiting: Word?
        var index = 0
        var plain = 0
        while index < octets.count {
            guard octets[index] == UInt8(ascii: "="), let word = Word(in: octets, at: index) else {
                index += 1
                continue
            }
            let between = octets[plain..<index]
            // Blanks between two encoded words separate nothing (§6.2).
            let isAdjacent = waiting != nil && between.allSatisfy(\.isBlank)
            if isAdjacent, waiting?.charset == word.charset {
                // Some writers split a character over two words: join before reading.
                waiting?.content += word.content
            } else {
                waiting?.write(to: &output)
                if !isAdjacent { output.append(contentsOf: between) }
                waiting = word
            }
            index = word.end
            plain = index
        }
        waiting?.write(to: &output)
        output.append(contentsOf: octets[plain...])
        return String(octets: output.span)
    }
}

/// `=?charset?encoding?text?=`, its text decoded to octets.
private struct Word {
    let charset: Charset
    var content: [UInt8]
    /// The index after the word.
    let end: Int

    init?(in octets: [UInt8], at start: Int) {
        let question = UInt8(ascii: "?")
        guard start + 1 < octets.count, octets[start + 1] == question,
            let first = octets[(start + 2)...].firstIndex(of: question), first + 2 < octets.count,
            octets[first + 2] == question,
            let last = octets[(first + 3)...].firstIndex(of: question), last + 1 < octets.count,
            octets[last + 1] == UInt8(ascii: "=")
        else { return nil }
        // A language may follow the name: RFC 2231 §5.
        let name = octets[(start + 2)..<first].prefix { $0 != UInt8(ascii: "*") }
        let text = octets[(first + 3)..<last]
        guard let charset = Charset(named: String(decoding: name, as: UTF8.self)),
            !text.contains(where: { $0.isBlank }),
            let content = Self.content(of: text, encoding: octets[first + 1].lowered),
            charset == .utf8 || charset.text(of: content) != nil
        else { return nil }
        self.charset = charset
        self.content = content
        end = last + 2
    }

    private static func content(of text: ArraySlice<UInt8>, encoding: UInt8) -> [UInt8]? {
        switch encoding {
        case UInt8(ascii: "q"): return quoted(text)
        case UInt8(ascii: "b"):
            var content: [UInt8] = []
            var decoder = Base64Decoder()
            // Padding is forgotten by some; what was read before an error is still text.
            try? decoder.decode(Array(text).span, into: &content)
            decoder.finishUnpadded(into: &content)
            return content.isEmpty && !text.isEmpty ? nil : content
        default: return nil
        }
    }

    private static func quoted(_ text: ArraySlice<UInt8>) -> [UInt8] {
        var content: [UInt8] = []
        var index = text.startIndex
        while index < text.endIndex {
            if text[index] == UInt8(ascii: "_") {
                content.append(.space)
            } else if text[index] == UInt8(ascii: "="), index + 2 < text.endIndex,
                let high = text[index + 1].hexValue, let low = text[index + 2].hexValue
            {
                content.append(high << 4 | low)
                index += 2
            } else {
                content.append(text[index])
            }
            index += 1
        }
        return content
    }

    func write(to output: inout [UInt8]) {
        let text = charset.text(of: content) ?? String(octets: content.span)
        output.append(text)
    }
}
