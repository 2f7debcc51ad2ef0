extension [UInt8] {
    /// Appends `Name: text` as a whole field with its CRLF: folded, encoded where it is not plain
    /// ASCII (RFC 2047), and with controls as spaces, so that no text can begin a field of its own.
    mutating func appendField(_ name: String, text: String) {
        if name.utf8.count + 2 + text.utf8.count <= FoldedLine.limit, UnstructuredText.isPlain(text)
        {
            append(name)
            append(.colon)
            append(.space)
            append(text)
            append(.carriageReturn)
            append(.lineFeed)
        } else {
            UnstructuredText.write(name, text, into: &self)
        }
    }

    /// Appends a field whose value is ASCII and has blanks where it may be folded.
    mutating func appendField(_ name: String, tokens: some Sequence<String>) {
        var line = FoldedLine(name, into: &self)
        for token in tokens { line.write(token, into: &self) }
        line.end(into: &self)
    }
}

enum UnstructuredText {
    /// No word may be so long that a line with it passes 998 octets (RFC 5322 §2.1.1).
    private static let longestWord = 400

    /// Printable ASCII with nothing at its ends that a reader trims, and no look of an encoded word.
    static func isPlain(_ text: some StringProtocol) -> Bool {
        var previous: UInt8 = .space
        for byte in text.utf8 {
            guard byte >= 32, byte < 127, byte != UInt8(ascii: "?") || previous != UInt8(ascii: "=")
            else { return false }
            if byte == .space, previous == .space { return false }
            previous = byte
        }
        return previous != .space
    }

    static func write(_ name: String, _ text: String, into output: inout [UInt8]) {
        var line = FoldedLine(name, into: &output)
        let parts = EncodedRun(in: clean(text)) { isPlain($0) && $0.utf8.count <= longestWord }
        parts.write(on: &line, into: &output)
        line.end(into: &output)
    }

    /// Each control as one space, CRLF as one.
    static func clean(_ text: String) -> String {
        guard text.utf8.contains(where: \.isControl) || text.unicodeScalars.contains(where: isC1)
        else { return text }
        var output = String.UnicodeScalarView()
        var isAfterReturn = false
        for scalar in text.unicodeScalars {
            let isControl = scalar.value < 32 || scalar.value == 127 || isC1(scalar)
            if !(isAfterReturn && scalar == "\n") { output.append(isControl ? " " : scalar) }
            isAfterReturn = scalar == "\r"
        }
        return String(output)
    }

    /// The second set of controls, and the line ends that Unicode adds.
    private static func isC1(_ scalar: Unicode.Scalar) -> Bool {
        (0x80...0x9f).contains(scalar.value) || scalar.value == 0x2028 || scalar.value == 0x2029
    }
}
