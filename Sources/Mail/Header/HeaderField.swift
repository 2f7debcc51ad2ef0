/// One field of a header section (RFC 5322 §2.2), octets kept as they came.
package struct HeaderField: Sendable, Equatable {
    /// As written, without the blanks that obsolete syntax allows before the colon.
    package let name: String
    /// Name, colon and body with its folds; lines end in CRLF, the last one without.
    private let octets: [UInt8]
    private let colon: Int

    /// Body octets as they shall stand, folds included. The caller answers for their syntax.
    package init(name: String, body: [UInt8]) {
        self.name = name
        octets = Array(name.utf8) + [.colon] + body
        colon = name.utf8.count
    }

    /// A field to be written: folded, encoded where it is not ASCII, and with controls as spaces.
    package init(name: String, value: String) {
        var line: [UInt8] = []
        line.appendField(name, text: value)
        self.init(name: name, line: Array(line.dropLast(2)), colon: name.utf8.count)
    }

    /// An address field; the list is not empty.
    package init(name: String, addresses: [NamedMailbox]) {
        var line: [UInt8] = []
        line.appendField(name, addresses: addresses)
        self.init(name: name, line: Array(line.dropLast(2)), colon: name.utf8.count)
    }

    /// A field of ASCII that may be folded only between these tokens; nothing is encoded.
    package init(name: String, tokens: [String]) {
        var line: [UInt8] = []
        line.appendField(name, tokens: tokens)
        self.init(name: name, line: Array(line.dropLast(2)), colon: name.utf8.count)
    }

    init(name: String, line: [UInt8], colon: Int) {
        self.name = name
        octets = line
        self.colon = colon
    }

    /// What stands after the colon, with its folds and without the final CRLF.
    package var body: [UInt8] { Array(octets[(colon + 1)...]) }

    /// Unfolded (§2.2.3) and trimmed. Octets that are not UTF-8 read as Windows-1252.
    package var text: String {
        var unfolded: [UInt8] = []
        unfolded.reserveCapacity(octets.count - colon)
        var start = colon + 1
        while start < octets.count, octets[start].isBlank { start += 1 }
        for index in start..<octets.count where octets[index] == .carriageReturn {
            guard index + 1 < octets.count, octets[index + 1] == .lineFeed else { continue }
            unfolded.append(contentsOf: octets[start..<index])
            start = index + 2
        }
        if start < octets.count { unfolded.append(contentsOf: octets[start...]) }
        while let last = unfolded.last, last.isBlank { unfolded.removeLast() }
        let blanks = unfolded.prefix { $0.isBlank }.count
        if blanks > 0 { unfolded.removeFirst(blanks) }
        return Charset.utf8.text(of: unfolded) ?? Charset.windows1252.text(of: unfolded) ?? ""
    }

    /// Nothing but folds and blanks.
    var isBlank: Bool {
        octets[(colon + 1)...].allSatisfy {
            $0.isBlank || $0 == .carriageReturn || $0 == .lineFeed
        }
    }

    /// `text` with its encoded words decoded (RFC 2047).
    package var decoded: String { EncodedWord.decode(text) }

    func isNamed(_ other: String) -> Bool {
        let (left, right) = (name.utf8.span, other.utf8.span)
        guard left.count == right.count else { return false }
        for index in left.indices where left[index].lowered != right[index].lowered {
            return false
        }
        return true
    }

    func append(to output: inout [UInt8]) {
        output.append(contentsOf: octets)
        output.append(.carriageReturn)
        output.append(.lineFeed)
    }

    /// Where the colon stands in a line that begins a field, nil for any other line.
    static func colon(in line: Span<UInt8>) -> (name: Int, colon: Int)? {
        var end = 0
        while end < line.count, ByteSet.ftext.contains(line[end]) { end += 1 }
        var colon = end
        while colon < line.count, line[colon].isBlank { colon += 1 }
        guard end > 0, colon < line.count, line[colon] == .colon else { return nil }
        return (end, colon)
    }
}
