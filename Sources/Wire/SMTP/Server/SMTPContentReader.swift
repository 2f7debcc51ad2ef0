import Mail

/// Reads what follows DATA: ends at CRLF.CRLF and nowhere else, takes one leading dot off a line
/// (RFC 5321 §4.5.2), turns every bare CR and bare LF into CRLF. Runs are copied whole.
///
/// A dot alone on a line that is not framed by CRLF on both sides is content: a client that doubles
/// dots would have sent two, and one that smuggles a second mail must not get an end of data.
struct SMTPContentReader: Sendable {
    private enum Place: Sendable, Equatable {
        /// `strictly`: the line before ended in CRLF.
        case lineStart(strictly: Bool)
        case insideLine
        /// A CR has been read and CRLF written for it.
        case afterCR
        /// A dot at the start of a line has been read and not yet judged.
        case afterDot(strictly: Bool)
        case afterDotCR(strictly: Bool)
    }

    /// The CRLF of the DATA command counts as the one before the first line.
    private var place = Place.lineStart(strictly: true)
    /// A line ended in CR or LF alone.
    private(set) var hasMetBareLineEnd = false

    init() {}

    /// Appends the content in these bytes. Answers the offset behind the end of data, or nil when
    /// it has not come yet; after it, the reader is done.
    mutating func read(_ bytes: Span<UInt8>, into output: inout [UInt8]) -> Int? {
        var index = 0
        var copied = 0
        while index < bytes.count {
            switch place {
            case .lineStart(let strictly):
                if bytes[index] == 46 {
                    output.append(bytes.extracting(copied..<index))
                    index += 1
                    copied = index
                    place = .afterDot(strictly: strictly)
                } else {
                    place = .insideLine
                }
            case .insideLine:
                let start = index
                index = LineEndings.endOfPlainLines(in: bytes, from: start)
                if index > start, bytes[index - 1] == 10 {
                    place = .lineStart(strictly: true)
                } else {
                    let end = LineEndings.passLine(bytes, &index, &copied, into: &output)
                    if case .bare = end { hasMetBareLineEnd = true }
                    place = Self.place(after: end)
                }
            case .afterCR:
                if bytes[index] != 10 { hasMetBareLineEnd = true }
                place = .lineStart(strictly: bytes[index] == 10)
                if bytes[index] == 10 { index += 1 }
                copied = index
            case .afterDot(let strictly):
                judgeDot(bytes[index], strictly, &index, &output)
                copied = index
            case .afterDotCR(let strictly):
                if strictly, bytes[index] == 10 { return index + 1 }
                output.append(".\r\n")
                if bytes[index] == 10 { index += 1 }
                place = .lineStart(strictly: bytes[copied] == 10)
                copied = index
            }
        }
        output.append(bytes.extracting(copied..<index))
        return nil
    }

    private static func place(after end: LineEnd) -> Place {
        switch end {
        case .missing: .insideLine
        case .pair: .lineStart(strictly: true)
        case .bare: .lineStart(strictly: false)
        case .halved: .afterCR
        }
    }

    private mutating func judgeDot(
        _ byte: UInt8,
        _ strictly: Bool,
        _ index: inout Int,
        _ output: inout [UInt8]
    ) {
        switch byte {
        case 13:
            index += 1
            place = .afterDotCR(strictly: strictly)
        case 10:
            index += 1
            output.append(".\r\n")
            place = .lineStart(strictly: false)
        default:
            place = .insideLine
        }
    }
}
