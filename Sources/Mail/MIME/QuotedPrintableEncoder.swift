/// Quoted-printable for text (RFC 2045 §6.7), fed in pieces. Any line end becomes CRLF; lines have at
/// most 76 octets. Literal octets are copied in runs.
struct QuotedPrintableEncoder: Sendable {
    /// One less than 76: room for the soft break.
    private static let room = 75
    private static let literals = ByteSet((33...126).filter { $0 != 61 })
    private static let hexDigits = Array("0123456789ABCDEF".utf8)

    private var column = 0
    /// A blank that may prove to end its line, or a CR whose LF may follow.
    private var held: UInt8?

    init() {}

    mutating func encode(_ bytes: Span<UInt8>, into output: inout [UInt8]) {
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            if let waiting = held {
                held = nil
                if waiting == .carriageReturn {
                    breakLine(into: &output)
                    if byte == .lineFeed {
                        index += 1
                        continue
                    }
                } else if byte == .carriageReturn || byte == .lineFeed {
                    writeCode(of: waiting, into: &output)
                } else {
                    makeRoom(for: 1, into: &output)
                    output.append(waiting)
                    column += 1
                }
            }
            index = encodeNext(bytes, at: index, into: &output)
        }
    }

    mutating func finish(into output: inout [UInt8]) {
        if held == .carriageReturn {
            breakLine(into: &output)
        } else if let blank = held {
            writeCode(of: blank, into: &output)
        }
        held = nil
        column = 0
    }

    /// Writes one octet, or a run of literals and the blanks between them; the index after it.
    private mutating func encodeNext(
        _ bytes: Span<UInt8>,
        at index: Int,
        into output: inout [UInt8]
    ) -> Int {
        let byte = bytes[index]
        if byte == .lineFeed {
            breakLine(into: &output)
        } else if byte == .carriageReturn || byte.isBlank {
            held = byte
        } else if Self.literals.contains(byte) {
            return copyRun(bytes, from: index, into: &output)
        } else {
            writeCode(of: byte, into: &output)
        }
        return index + 1
    }

    private mutating func copyRun(
        _ bytes: Span<UInt8>,
        from start: Int,
        into output: inout [UInt8]
    ) -> Int {
        makeRoom(for: 1, into: &output)
        let limit = min(bytes.count, start + Self.room - column)
        var end = start + 1
        // A blank at the end of the run waits for what follows it.
        while end < limit,
            Self.literals.contains(bytes[end])
                || bytes[end] == .space && end + 1 < bytes.count
                    && Self.literals.contains(bytes[end + 1])
        {
            end += 1
        }
        output.append(bytes.extracting(start..<end))
        column += end - start
        return end
    }

    private mutating func writeCode(of byte: UInt8, into output: inout [UInt8]) {
        makeRoom(for: 3, into: &output)
        output.append(UInt8(ascii: "="))
        output.append(Self.hexDigits[Int(byte >> 4)])
        output.append(Self.hexDigits[Int(byte & 15)])
        column += 3
    }

    private mutating func makeRoom(for width: Int, into output: inout [UInt8]) {
        guard column + width > Self.room else { return }
        output.append("=\r\n")
        column = 0
    }

    private mutating func breakLine(into output: inout [UInt8]) {
        output.append(.carriageReturn)
        output.append(.lineFeed)
        column = 0
    }
}
