package enum Base64Error: Error, Equatable {
    /// An octet outside the alphabet, at this index of all that was fed.
    case illegalCharacter(offset: Int)
    /// A `=` too early, or anything but blanks and line ends after the padding.
    case misplacedPadding(offset: Int)
    /// The end came within a group of four.
    case truncated
}

/// Base64 as RFC 4648 §4 has it: the strict alphabet, padded. CR, LF, space and tab are passed over.
package struct Base64Decoder: Sendable {
    private var group: UInt32 = 0
    private var digits = 0
    private var padding = 0
    private var offset = 0

    package init() {}

    package mutating func decode(
        _ bytes: Span<UInt8>,
        into output: inout [UInt8]
    ) throws(Base64Error) {
        var index = 0
        while index < bytes.count {
            if digits == 0, padding == 0 {
                index = Self.decodeGroups(bytes, from: index, into: &output)
                guard index < bytes.count else { break }
            }
            try take(bytes[index], at: offset + index, into: &output)
            index += 1
        }
        offset += bytes.count
    }

    /// A whole text at once.
    package static func decode(_ text: Span<UInt8>) throws(Base64Error) -> [UInt8] {
        var decoder = Self()
        var output: [UInt8] = []
        try decoder.decode(text, into: &output)
        try decoder.finish()
        return output
    }

    package mutating func finish() throws(Base64Error) {
        guard digits == 0 else { throw .truncated }
    }

    /// Whole groups as long as nothing stands between their digits; the index of what stopped it.
    private static func decodeGroups(
        _ bytes: Span<UInt8>,
        from start: Int,
        into output: inout [UInt8]
    ) -> Int {
        var index = start
        let values = Self.values.span
        output.append(addingCapacity: (bytes.count - start) / 4 * 3) { room in
            while index + 4 <= bytes.count {
                let one = values[Int(bytes[index])]
                let two = values[Int(bytes[index + 1])]
                let three = values[Int(bytes[index + 2])]
                let four = values[Int(bytes[index + 3])]
                guard (one | two | three | four) < 64 else { return }
                room.append(one << 2 | two >> 4)
                room.append(two << 4 | three >> 2)
                room.append(three << 6 | four)
                index += 4
            }
        }
        return index
    }

    private mutating func take(
        _ byte: UInt8,
        at offset: Int,
        into output: inout [UInt8]
    ) throws(Base64Error) {
        let value = Self.values[Int(byte)]
        if value == Self.passed { return }
        if byte == UInt8(ascii: "=") {
            guard digits >= 2, digits + padding < 4 else { throw .misplacedPadding(offset: offset) }
            padding += 1
            if digits + padding == 4 { writeGroup(into: &output) }
            return
        }
        guard value < 64 else { throw .illegalCharacter(offset: offset) }
        guard padding == 0 else { throw .misplacedPadding(offset: offset) }
        group = group << 6 | UInt32(value)
        digits += 1
        if digits == 4 { writeGroup(into: &output) }
    }

    /// The octets of the group that is full. Padding stays counted: nothing may follow it.
    private mutating func writeGroup(into output: inout [UInt8]) {
        let bits = group << UInt32(6 * (4 - digits))
        for octet in 0..<digits - 1 {
            output.append(UInt8(truncatingIfNeeded: bits >> UInt32(16 - 8 * octet)))
        }
        group = 0
        digits = 0
    }

    /// Takes a last group that lacks its padding as if it were there.
    mutating func finishUnpadded(into output: inout [UInt8]) {
        if digits >= 2 { writeGroup(into: &output) }
        self = Self()
    }

    private static let illegal: UInt8 = 255
    private static let passed: UInt8 = 254
    private static let values: [UInt8] = {
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        var values = [UInt8](repeating: illegal, count: 256)
        for (value, digit) in alphabet.utf8.enumerated() { values[Int(digit)] = UInt8(value) }
        for octet in [9, 10, 13, 32] { values[octet] = passed }
        return values
    }()
}
