/// Quoted-printable, read (RFC 2045 §6.7).
enum QuotedPrintable {
    /// Lenient as RFC 2045 §6.7 asks of readers: what is no code stays as it stands, blanks at the end
    /// of a line were put there on the way and go.
    static func decode(_ text: ArraySlice<UInt8>) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(text.count)
        var index = text.startIndex
        // From here on what is blank may turn out to end a line.
        var solid = 0
        while index < text.endIndex {
            let octet = text[index]
            index += 1
            switch octet {
            case UInt8(ascii: "="):
                if let end = lineEnd(in: text, after: index) {
                    index = end
                } else if let value = code(in: text, at: index) {
                    output.append(value)
                    index += 2
                } else {
                    output.append(octet)
                }
                solid = output.count
            case .carriageReturn, .lineFeed:
                output.removeSubrange(solid...)
                output.append(octet)
                solid = output.count
            default:
                output.append(octet)
                if !octet.isBlank { solid = output.count }
            }
        }
        return output
    }

    private static func code(in text: ArraySlice<UInt8>, at index: Int) -> UInt8? {
        guard index + 1 < text.endIndex, let high = text[index].hexValue,
            let low = text[index + 1].hexValue
        else { return nil }
        return high << 4 | low
    }

    /// Behind the end of the line, where only blanks stand before it: a soft line break.
    private static func lineEnd(in text: ArraySlice<UInt8>, after start: Int) -> Int? {
        var index = start
        while index < text.endIndex, text[index].isBlank { index += 1 }
        guard index < text.endIndex else { return index }
        if text[index] == .lineFeed { return index + 1 }
        guard text[index] == .carriageReturn else { return nil }
        let next = index + 1
        return next < text.endIndex && text[next] == .lineFeed ? next + 1 : next
    }
}
