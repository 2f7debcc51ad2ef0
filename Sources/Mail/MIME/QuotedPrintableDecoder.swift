/// Quoted-printable back to octets, fed in pieces. Tolerant as RFC 2045 §6.7 asks: a `=` that begins
/// no code stands for itself, and blanks at the end of a line are dropped as a transport's work.
package struct QuotedPrintableDecoder: Sendable {
    /// Blanks after a `=` that are looked at; no line of mail holds more (RFC 5322 §2.1.1).
    private static let limit = 998

    /// What may yet prove to be a code, a soft break or blanks at the end of a line.
    private var held: [UInt8] = []

    package init() {}

    package mutating func decode(_ bytes: Span<UInt8>, into output: inout [UInt8]) {
        for index in bytes.indices { take(bytes[index], into: &output) }
    }

    package mutating func finish(into output: inout [UInt8]) {
        // A `=` at the very end is a soft break whose line end was lost.
        let isSoftBreak = held.first == UInt8(ascii: "=") && held.dropFirst().allSatisfy(\.isBlank)
        if !isSoftBreak, held.first?.isBlank == false { output.append(contentsOf: held) }
        held = []
    }

    private mutating func take(_ byte: UInt8, into output: inout [UInt8]) {
        guard let first = held.first else {
            if byte == UInt8(ascii: "=") || byte.isBlank || byte == .carriageReturn {
                held = [byte]
            } else {
                output.append(byte)
            }
            return
        }
        if first == UInt8(ascii: "=") {
            takeAfterEquals(byte, into: &output)
        } else if byte == .lineFeed {
            output.append("\r\n")
            held = []
        } else if first.isBlank, byte.isBlank || byte == .carriageReturn {
            held.append(byte)
        } else {
            output.append(contentsOf: held)
            held = []
            take(byte, into: &output)
        }
    }

    private mutating func takeAfterEquals(_ byte: UInt8, into output: inout [UInt8]) {
        let rest = held.dropFirst()
        let mayBreak = rest.allSatisfy { $0.isBlank || $0 == .carriageReturn }
        if mayBreak, byte == .lineFeed {
            held = []
        } else if rest.count == 1, let high = held[1].hexValue, let low = byte.hexValue {
            output.append(high << 4 | low)
            held = []
        } else if rest.isEmpty && byte.hexValue != nil
            || mayBreak && rest.last != .carriageReturn && held.count < Self.limit
                && (byte.isBlank || byte == .carriageReturn)
        {
            held.append(byte)
        } else {
            output.append(contentsOf: held)
            held = []
            take(byte, into: &output)
        }
    }
}
