/// CRC-32 as gzip uses it, RFC 1952 §8, eight octets a step and piece by piece: `Crypto` has a plain
/// one for whole short texts, which this room may not import.
struct Checksum32: Sendable {
    private var state: UInt32 = 0xFFFF_FFFF

    var value: UInt32 { ~state }

    mutating func update(_ bytes: Span<UInt8>) {
        let table = Self.table.span
        var crc = state
        var index = 0
        while index + 8 <= bytes.count {
            let low = crc ^ Self.word(bytes, index)
            let high = Self.word(bytes, index + 4)
            crc = Self.fold(low, table, 4) ^ Self.fold(high, table, 0)
            index += 8
        }
        while index < bytes.count {
            crc = table[Int((crc ^ UInt32(bytes[index])) & 255)] ^ crc >> 8
            index += 1
        }
        state = crc
    }

    mutating func update(_ octet: UInt8) {
        state = Self.table[Int(UInt8(truncatingIfNeeded: state) ^ octet)] ^ state >> 8
    }

    /// What four octets become when `rows` more of the eight follow them.
    @inline(__always)
    private static func fold(_ word: UInt32, _ table: Span<UInt32>, _ rows: Int) -> UInt32 {
        let first = table[Int(word & 255) + (rows + 3) * 256]
        let second = table[Int(word >> 8 & 255) + (rows + 2) * 256]
        let third = table[Int(word >> 16 & 255) + (rows + 1) * 256]
        let fourth = table[Int(word >> 24) + rows * 256]
        return first ^ second ^ third ^ fourth
    }

    @inline(__always)
    private static func word(_ bytes: Span<UInt8>, _ index: Int) -> UInt32 {
        let low = UInt32(bytes[index]) | UInt32(bytes[index + 1]) << 8
        let high = UInt32(bytes[index + 2]) | UInt32(bytes[index + 3]) << 8
        return low | high << 16
    }

    /// Row n: the checksum's change by an octet that n zero octets follow.
    private static let table: [UInt32] = {
        var table: [UInt32] = []
        for octet: UInt32 in 0..<256 {
            var crc = octet
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
            table.append(crc)
        }
        for index in 256..<8 * 256 {
            let earlier = table[index - 256]
            table.append(earlier >> 8 ^ table[Int(earlier & 255)])
        }
        return table
    }()
}
