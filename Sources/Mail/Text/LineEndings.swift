/// How a line ends in the piece it was found in.
package enum LineEnd: Sendable {
    /// The piece ends first.
    case missing
    case pair
    /// A bare CR or LF.
    case bare
    /// A CR that ends the piece: an LF that begins the next one belongs to it.
    case halved
}

/// Makes every line end in CRLF, however the octets are cut: a bare LF and a bare CR are line ends
/// that someone wrote in another way (RFC 5321 §2.3.8 forbids both in a mail).
package struct LineEndings: Sendable {
    private var last = LineEnd.missing

    package init() {}

    package mutating func normalise(_ bytes: Span<UInt8>, into output: inout [UInt8]) {
        output.reserveCapacity(output.count + bytes.count + bytes.count / 32)
        var index = Self.start(of: bytes, after: &last)
        var copied = index
        while index < bytes.count {
            index = Self.endOfPlainLines(in: bytes, from: index)
            last = Self.passLine(bytes, &index, &copied, into: &output)
        }
        output.append(bytes.extracting(copied..<index))
    }

    /// Where the lines of a piece begin: behind the LF whose CR ended the piece before.
    package static func start(of bytes: Span<UInt8>, after last: inout LineEnd) -> Int {
        guard last == .halved, !bytes.isEmpty, bytes[0] == .lineFeed else { return 0 }
        last = .pair
        return 1
    }

    /// Where from `start` on, inside a line, a closer look is needed first: at a line end that may not
    /// be CRLF, at a dot that may begin a line, or at the piece's last octets. It never stands between
    /// a CR and its LF. Most mail has neither, so most octets are looked at here only, many at once.
    package static func endOfPlainLines(in bytes: Span<UInt8>, from start: Int) -> Int {
        guard start < bytes.count, bytes[start] != .lineFeed else { return start }
        let size = 32
        var index = start
        while bytes.count - index > size {
            let octets = bytes.extracting(index..<index + size)
            let following = bytes.extracting(index + 1..<index + 1 + size)
            var found: UInt8 = 0
            for offset in 0..<size {
                let isUnpaired = (octets[offset] == 13).octet ^ (following[offset] == 10).octet
                let isDotted = (octets[offset] == 10).octet & (following[offset] == 46).octet
                found |= isUnpaired | isDotted
            }
            if found != 0 { break }
            index += size
        }
        return index > start && bytes[index - 1] == .carriageReturn ? index - 1 : index
    }

    /// Goes behind the line's end, or to the end of the piece. What stands from `copied` up to
    /// `index` is a run that the caller has yet to copy: a CRLF stays in it, so that whole lines
    /// are copied many at once; for any other end the run is copied and CRLF written.
    package static func passLine(
        _ bytes: Span<UInt8>,
        _ index: inout Int,
        _ copied: inout Int,
        into output: inout [UInt8]
    ) -> LineEnd {
        let end = endOfRun(in: bytes, from: index) { ($0 == 13).octet | ($0 == 10).octet }
        index = end
        guard end < bytes.count else { return .missing }
        let isReturn = bytes[end] == .carriageReturn
        if isReturn, end + 1 < bytes.count, bytes[end + 1] == .lineFeed {
            index = end + 2
            return .pair
        }
        output.append(bytes.extracting(copied..<end))
        output.append("\r\n")
        index = end + 1
        copied = index
        return isReturn && index == bytes.count ? .halved : .bare
    }
}
