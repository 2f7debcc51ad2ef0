/// A mail's header section: its fields in order, untouched ones octet for octet.
package struct HeaderBlock: Sendable, Equatable {
    package var fields: [HeaderField] = []

    package init() {}

    /// Takes what can be read; lines that belong to no field, as an mbox `From ` line, are dropped.
    /// A bare LF and a bare CR end a line too, and leave as CRLF: whoever takes the mail after us may
    /// read them so. NUL, which no header may hold, is left out.
    package init(parsing octets: Span<UInt8>) {
        var start = 0
        while start < octets.count {
            // An empty line ends the header.
            if octets[start] == .lineFeed || octets[start] == .carriageReturn { break }
            var end = Self.endOfLine(in: octets, from: start)
            while end < octets.count, octets[end].isBlank {
                end = Self.endOfLine(in: octets, from: end)
            }
            if let field = Self.field(octets.extracting(start..<end)) { fields.append(field) }
            start = end
        }
    }

    package func first(_ name: String) -> HeaderField? {
        fields.first { $0.isNamed(name) }
    }

    package func all(_ name: String) -> [HeaderField] {
        fields.filter { $0.isNamed(name) }
    }

    package mutating func remove(_ name: String) {
        fields.removeAll { $0.isNamed(name) }
    }

    /// Adds a field below all others: folded, encoded, and safe against line breaks in `value`.
    package mutating func append(_ name: String, _ value: String) {
        fields.append(HeaderField(name: name, value: value))
    }

    /// Lines ending in CRLF, without the empty line.
    package var octets: [UInt8] {
        var octets: [UInt8] = []
        for field in fields { field.append(to: &octets) }
        return octets
    }

    /// The index after the line's end, or the end.
    private static func endOfLine(in octets: Span<UInt8>, from start: Int) -> Int {
        var index = start
        while index < octets.count, octets[index] != .lineFeed, octets[index] != .carriageReturn {
            index += 1
        }
        let isCRLF =
            index + 1 < octets.count && octets[index] == .carriageReturn
            && octets[index + 1] == .lineFeed
        return min(index + (isCRLF ? 2 : 1), octets.count)
    }

    private static func field(_ lines: Span<UInt8>) -> HeaderField? {
        guard let (end, colon) = HeaderField.colon(in: lines) else { return nil }
        let name = String(octets: lines.extracting(0..<end))
        return HeaderField(name: name, line: normalized(lines), colon: colon)
    }

    /// The lines with CRLF between them and none at the end.
    private static func normalized(_ lines: Span<UInt8>) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(lines.count + 2)
        var lineEndings = LineEndings()
        lineEndings.normalise(lines, into: &output)
        if output.last == .lineFeed { output.removeLast(2) }
        if output.contains(0) { output.removeAll { $0 == 0 } }
        return output
    }
}
