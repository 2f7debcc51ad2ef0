/// A set of ASCII octets as two words of bits; octets from 128 up are never members.
struct ByteSet: Sendable {
    private var low: UInt64 = 0
    private var high: UInt64 = 0

    init(_ members: some Sequence<UInt8>) {
        for member in members { insert(member) }
    }

    private mutating func insert(_ byte: UInt8) {
        if byte < 64 { low |= 1 << UInt64(byte) } else { high |= 1 << UInt64(byte & 63) }
    }

    @inline(__always)
    func contains(_ byte: UInt8) -> Bool {
        let word = byte < 64 ? low : high
        return byte < 128 && word >> UInt64(byte & 63) & 1 == 1
    }

    func union(_ members: String) -> ByteSet {
        var union = self
        for member in members.utf8 { union.insert(member) }
        return union
    }

    static let alphanumerics = ByteSet(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789".utf8
    )
    /// RFC 5322 §3.2.3.
    static let atext = alphanumerics.union("!#$%&'*+-/=?^_`{|}~")
    /// Letters, digits, hyphen, and the underscore that hosts of Windows networks carry.
    static let hostname = alphanumerics.union("-_")
    /// A header field's name: RFC 5322 §3.6.8.
    static let ftext = ByteSet((33...126).filter { $0 != 58 })
}
