/// Base64 (RFC 4648 §4), fed in pieces; in lines that end in CRLF where a length is given (RFC 2045
/// §6.8), the last one too.
package struct Base64Encoder: Sendable {
    private let groupsPerLine: Int
    private var groupsInLine = 0
    private var carry: UInt32 = 0
    private var carried = 0

    /// `lineLength` is rounded down to whole groups of four; nil writes one line without an end.
    package init(lineLength: Int? = 76) {
        groupsPerLine = lineLength.map { max($0 / 4, 1) } ?? .max
    }

    /// A whole text at once, in one line.
    package static func encode(_ bytes: Span<UInt8>) -> String {
        var encoder = Self(lineLength: nil)
        var output: [UInt8] = []
        encoder.encode(bytes, into: &output)
        encoder.finish(into: &output)
        return String(octets: output.span)
    }

    package mutating func encode(_ bytes: Span<UInt8>, into output: inout [UInt8]) {
        var index = 0
        while carried > 0, index < bytes.count {
            carry = carry << 8 | UInt32(bytes[index])
            carried += 1
            index += 1
            if carried == 3 { writeCarry(into: &output) }
        }
        while bytes.count - index >= 3 {
            let groups = min((bytes.count - index) / 3, groupsPerLine - groupsInLine)
            let end = index + groups * 3
            Self.write(bytes.extracting(index..<end), into: &output)
            index = end
            advance(by: groups, into: &output)
        }
        while index < bytes.count {
            carry = carry << 8 | UInt32(bytes[index])
            carried += 1
            index += 1
        }
    }

    /// Writes what is left with its padding. The encoder is then as new.
    package mutating func finish(into output: inout [UInt8]) {
        if carried > 0 {
            let padding = 3 - carried
            carry <<= UInt32(8 * padding)
            writeCarry(into: &output, padding: padding)
        }
        if groupsInLine > 0, groupsPerLine < .max { output.append("\r\n") }
        groupsInLine = 0
    }

    private mutating func writeCarry(into output: inout [UInt8], padding: Int = 0) {
        for digit in 0..<4 - padding {
            output.append(Self.digits[Int(carry >> UInt32(18 - 6 * digit) & 63)])
        }
        for _ in 0..<padding { output.append(UInt8(ascii: "=")) }
        carry = 0
        carried = 0
        advance(by: 1, into: &output)
    }

    private mutating func advance(by groups: Int, into output: inout [UInt8]) {
        groupsInLine += groups
        guard groupsInLine == groupsPerLine else { return }
        groupsInLine = 0
        output.append(.carriageReturn)
        output.append(.lineFeed)
    }

    private static func write(_ bytes: Span<UInt8>, into output: inout [UInt8]) {
        let digits = Self.digits.span
        output.append(addingCapacity: bytes.count / 3 * 4) { room in
            var index = 0
            while index < bytes.count {
                let group =
                    UInt32(bytes[index]) << 16 | UInt32(bytes[index + 1]) << 8
                    | UInt32(bytes[index + 2])
                room.append(digits[Int(group >> 18)])
                room.append(digits[Int(group >> 12 & 63)])
                room.append(digits[Int(group >> 6 & 63)])
                room.append(digits[Int(group & 63)])
                index += 3
            }
        }
    }

    private static let digits = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8
    )
}
