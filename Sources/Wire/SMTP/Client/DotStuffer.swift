import Mail

/// Writes content the way DATA carries it: lines end in CRLF, a leading dot is doubled (RFC 5321
/// §4.5.2). Bare CR and bare LF become CRLF, so that no next hop can read an end into them.
package struct DotStuffer: Sendable {
    /// Before the first line as behind a line's end.
    private var last = LineEnd.pair

    package init() {}

    package mutating func stuff(_ bytes: Span<UInt8>, into output: inout [UInt8]) {
        var index = LineEndings.start(of: bytes, after: &last)
        var copied = index
        while index < bytes.count {
            if last != .missing, bytes[index] == 46 {
                output.append(bytes.extracting(copied..<index))
                output.append(46)
                copied = index
            }
            let start = index
            index = LineEndings.endOfPlainLines(in: bytes, from: start)
            if index > start, bytes[index - 1] == 10 {
                last = .pair
            } else {
                last = LineEndings.passLine(bytes, &index, &copied, into: &output)
            }
        }
        output.append(bytes.extracting(copied..<index))
    }

    /// Ends the last line if the content did not, then writes the line that ends the data.
    package mutating func finish(into output: inout [UInt8]) {
        if last == .missing { output.append("\r\n") }
        output.append(".\r\n")
        last = .pair
    }
}
