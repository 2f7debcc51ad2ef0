/// Bits taken from the input, the next one lowest, and how far into the input they reach.
struct InflateBits: Sendable {
    private(set) var hold: UInt64 = 0
    private(set) var count = 0
    /// Index of the first octet of the current input that is not in `hold`.
    var position = 0

    /// Takes as many octets as there is room for: afterwards `hold` has more than 48 bits, which is
    /// enough for any symbol with its distance, or the input is used up.
    @inline(__always)
    mutating func refill(_ input: Span<UInt8>) {
        guard count < 48 else { return }
        while count <= 56, position < input.count {
            hold |= UInt64(input[position]) << UInt64(count)
            count += 8
            position += 1
        }
    }

    @inline(__always)
    mutating func drop(_ bits: Int) {
        hold >>= UInt64(bits)
        count -= bits
    }

    @inline(__always)
    func peek(_ bits: Int) -> Int { Int(hold & (1 << UInt64(bits) - 1)) }

    /// Nil, and nothing taken, when there are not so many.
    mutating func take(_ bits: Int, _ input: Span<UInt8>) -> Int? {
        refill(input)
        guard count >= bits else { return nil }
        let value = peek(bits)
        drop(bits)
        return value
    }

    mutating func alignToOctet() { drop(count & 7) }

    /// Gives whole octets back to the input. What is held from an earlier input is always less
    /// than the next symbol needs, or less than an octet; so these come from the current one.
    mutating func giveBack() {
        position -= count / 8
        count &= 7
        hold &= 1 << UInt64(count) - 1
    }
}
