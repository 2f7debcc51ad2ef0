/// A mail's header section: its fields in order, untouched ones octet for octet.
package struct HeaderBlock: Sendable, Equatable {
    package var fields: [HeaderField] = []

    package init() {}

    /// Takes what can be read; lines that belong to no field, as an mbox `From ` line, are dropped.
    /// A bare LF ends a line too, and leaves as CRLF.
    package init(parsing octets: Span<UInt8>) {
        var start = 0
        while start < octets.count {
            var end = Self.endOfLine(in: octets, from: start)
            if Self.isEmptyLine(octets, start..<end) { break }
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

    /// The index after the line feed, or the end.
    private static func endOfLine(in octets: Span<UInt8>, from start: Int) -> Int {
        var index = start
        while index < octets.count, octets[index] != .lineFeed { index += 1 }
        return min(index + 1, octets.count)
    }

    private static func isEmptyLine(_ octets: Span<UInt8>, _ line: Range<Int>) -> Bool {
        let first = octets[line.lowerBound]
        return first == .lineFeed
            || first == .carriageReturn && line.count == 2
                && octets[line.upperBound - 1] == .lineFeed
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
        var start = 0
        for index in lines.indices where lines[index] == .lineFeed {
            let isCRLF = index > start && lines[index - 1] == .carriageReturn
            output.append(lines.extracting(start..<(isCRLF ? index - 1 : index)))
            start = index + 1
            guard start < lines.count else { return output }
            output.append(.carriageReturn)
            output.append(.lineFeed)
        }
        output.append(lines.extracting(start..<lines.count))
        return output
    }
}
