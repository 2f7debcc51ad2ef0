/// The check sum of gzip, zlib and Ethernet: polynomial 0x04C11DB7, reflected.
package enum CRC32 {
    package static func checksum(_ bytes: Span<UInt8>) -> UInt32 {
        var register: UInt32 = 0xffff_ffff
        for index in bytes.indices {
            register = table[Int((register ^ UInt32(bytes[index])) & 0xff)] ^ register >> 8
        }
        return ~register
    }

    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { value, _ in
            value & 1 == 1 ? 0xedb8_8320 ^ value >> 1 : value >> 1
        }
    }
}
