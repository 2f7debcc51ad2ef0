/// Writes content the way DATA carries it: lines end in CRLF, a leading dot is doubled (RFC 5321
/// §4.5.2). Bare CR and bare LF become CRLF, so that no next hop can read an end into them.
package struct DotStuffer: Sendable {
    private enum Place: Sendable {
        case lineStart
        case insideLine
        /// A CR ended the last piece and is not yet written.
        case afterCR
    }

    private var place = Place.lineStart

    package init() {}

    package mutating func stuff(_ bytes: Span<UInt8>, into output: inout [UInt8]) {
        var index = 0
        var copied = 0
        if place == .afterCR, !bytes.isEmpty {
            output.append(text: "\r\n")
            if bytes[0] == 10 { index = 1 }
            copied = index
            place = .lineStart
        }
        while index < bytes.count {
            if place == .lineStart, bytes[index] == 46 {
                output.append(copying: bytes.extracting(copied..<index))
                output.append(46)
                copied = index
            }
            place = .insideLine
            let end = endOfLine(in: bytes, from: index)
            index = end
            guard end < bytes.count else { break }
            if bytes[end] == 13, end + 1 < bytes.count, bytes[end + 1] == 10 {
                index = end + 2
                place = .lineStart
                continue
            }
            output.append(copying: bytes.extracting(copied..<end))
            index = end + 1
            copied = index
            if bytes[end] == 13, index == bytes.count {
                place = .afterCR
            } else {
                output.append(text: "\r\n")
                place = .lineStart
            }
        }
        output.append(copying: bytes.extracting(copied..<bytes.count))
    }

    /// Ends the last line if the content did not, then writes the line that ends the data.
    package mutating func finish(into output: inout [UInt8]) {
        if place != .lineStart { output.append(text: "\r\n") }
        output.append(text: ".\r\n")
        place = .lineStart
    }
}
