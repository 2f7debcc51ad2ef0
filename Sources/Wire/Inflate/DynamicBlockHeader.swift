/// Reads the codes of a block, RFC 1951 §3.2.7.
struct DynamicBlockHeader: Sendable {
    private static let order = [
        16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
    ]

    private var literalCount = 0
    private var distanceCount = 0
    private var codeLengthCount = 0
    private var codeLengths: [UInt8] = []
    private var codeLengthCode: HuffmanTable?
    private var lengths: [UInt8] = []

    /// Nil until all of it has been read; to be called again with more input.
    mutating func read(
        _ input: Span<UInt8>,
        _ bits: inout InflateBits
    ) throws(InflateError) -> (literals: HuffmanTable, distances: HuffmanTable)? {
        if codeLengthCount == 0, try !readCounts(input, &bits) { return nil }
        if codeLengthCode == nil, try !readCodeLengths(input, &bits) { return nil }
        guard let code = codeLengthCode, try readLengths(code, input, &bits) else { return nil }
        guard lengths[256] > 0 else {
            throw .corrupt("a block of the compressed content could never end")
        }
        return (
            try HuffmanTable(lengths[..<literalCount], .literals),
            try HuffmanTable(lengths[literalCount...], .distances)
        )
    }

    private mutating func readCounts(
        _ input: Span<UInt8>,
        _ bits: inout InflateBits
    ) throws(InflateError) -> Bool {
        guard let value = bits.take(14, input) else { return false }
        literalCount = value & 31 + 257
        distanceCount = value >> 5 & 31 + 1
        codeLengthCount = value >> 10 + 4
        guard literalCount <= 286, distanceCount <= 30 else {
            throw .corrupt("a block of the compressed content has too many symbols")
        }
        return true
    }

    private mutating func readCodeLengths(
        _ input: Span<UInt8>,
        _ bits: inout InflateBits
    ) throws(InflateError) -> Bool {
        while codeLengths.count < codeLengthCount {
            guard let length = bits.take(3, input) else { return false }
            codeLengths.append(UInt8(length))
        }
        var lengths = [UInt8](repeating: 0, count: 19)
        for (symbol, length) in zip(Self.order, codeLengths) { lengths[symbol] = length }
        codeLengthCode = try HuffmanTable(lengths[...], .codeLengths)
        return true
    }

    private mutating func readLengths(
        _ code: HuffmanTable,
        _ input: Span<UInt8>,
        _ bits: inout InflateBits
    ) throws(InflateError) -> Bool {
        let total = literalCount + distanceCount
        while lengths.count < total {
            bits.refill(input)
            let entry = code.slowly(bits.hold)
            let used = Int(entry & 15)
            guard used > 0 else {
                if bits.count < 7 { return false }
                throw .corrupt("the compressed content uses a code that was not defined")
            }
            let symbol = Int(entry >> 16)
            let extra = symbol < 16 ? 0 : symbol == 16 ? 2 : symbol == 17 ? 3 : 7
            guard used + extra <= bits.count else { return false }
            bits.drop(used)
            try append(symbol, bits.peek(extra), total)
            bits.drop(extra)
        }
        return true
    }

    private mutating func append(
        _ symbol: Int,
        _ extra: Int,
        _ total: Int
    ) throws(InflateError) {
        if symbol < 16 { return lengths.append(UInt8(symbol)) }
        let repeated = symbol == 16 ? lengths.last : 0
        let count = extra + (symbol == 18 ? 11 : 3)
        guard let repeated, lengths.count + count <= total else {
            throw .corrupt("a block of the compressed content repeats a length wrongly")
        }
        lengths.append(contentsOf: repeatElement(repeated, count: count))
    }
}
