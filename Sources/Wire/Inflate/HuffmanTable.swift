/// A prefix code of RFC 1951 §3.2.2, ready for decoding. The first ten bits of the input find a
/// short code in one step; longer ones, which are rare by their nature, are found bit by bit.
///
/// An entry tells all about a symbol: bits 0–3 the length of its code, 4–7 the number of extra bits,
/// 8–9 its kind, 16–31 the literal, or the base of a length or distance.
struct HuffmanTable: Sendable {
    static let quickBits = 10

    enum Purpose {
        case codeLengths
        case literals
        case distances
    }

    /// By the next ten bits; 0 where no short code fits.
    private(set) var quick: [UInt32]
    /// In the order of the codes.
    private(set) var entries: [UInt32]
    /// How many codes have each length.
    private(set) var counts: [Int]

    init(_ lengths: ArraySlice<UInt8>, _ purpose: Purpose) throws(InflateError) {
        counts = [Int](repeating: 0, count: 16)
        for length in lengths { counts[Int(length)] += 1 }
        counts[0] = 0
        try Self.check(counts, purpose)
        var next = [Int](repeating: 0, count: 17)
        for length in 1...15 { next[length + 1] = next[length] + counts[length] }
        entries = [UInt32](repeating: 0, count: next[16])
        let templates = InflateSymbols.templates(purpose)
        for (symbol, length) in lengths.enumerated() where length > 0 {
            entries[next[Int(length)]] = templates[symbol] | UInt32(length)
            next[Int(length)] += 1
        }
        quick = [UInt32](repeating: 0, count: 1 << Self.quickBits)
        fillQuick()
    }

    /// Too many codes are nonsense. Too few are allowed for one code of one bit, as zlib and
    /// others write a single distance, and for no code at all.
    private static func check(_ counts: [Int], _ purpose: Purpose) throws(InflateError) {
        var left = 1
        for length in 1...15 {
            left = left * 2 - counts[length]
            guard left >= 0 else {
                throw .corrupt("a code of the compressed content is impossible")
            }
        }
        let total = counts.reduce(0, +)
        let isSingle = purpose != .codeLengths && total == 1 && counts[1] == 1
        guard left == 0 || total == 0 || isSingle else {
            throw .corrupt("a code of the compressed content is incomplete")
        }
    }

    /// Codes come with their first bit lowest, so they are counted from the top down.
    private mutating func fillQuick() {
        var code = 0
        var index = 0
        for length in 1...Self.quickBits {
            for _ in 0..<counts[length] {
                for slot in stride(from: code, to: quick.count, by: 1 << length) {
                    quick[slot] = entries[index]
                }
                index += 1
                var bit = 1 << (length - 1)
                while code & bit != 0 { bit >>= 1 }
                code = bit == 0 ? 0 : (code & (bit - 1)) + bit
            }
        }
    }

    /// The entry whose code the bits begin with, bit by bit; 0 when there is none.
    func slowly(_ bits: UInt64) -> UInt32 {
        var bits = bits
        var code = 0
        var first = 0
        var index = 0
        for length in 1...15 {
            code |= Int(bits & 1)
            bits >>= 1
            let count = counts[length]
            if code - first < count { return entries[index + code - first] }
            index += count
            first = (first + count) << 1
            code <<= 1
        }
        return 0
    }

    /// RFC 1951 §3.2.6.
    static let fixedLiterals = fixed(
        [(144, 8), (112, 9), (24, 7), (8, 8)],
        .literals
    )
    static let fixedDistances = fixed([(32, 5)], .distances)

    private static func fixed(_ runs: [(count: Int, length: UInt8)], _ purpose: Purpose) -> Self {
        let lengths = runs.flatMap { [UInt8](repeating: $0.length, count: $0.count) }
        do {
            return try HuffmanTable(lengths[...], purpose)
        } catch {
            preconditionFailure("the fixed codes are complete")
        }
    }
}

/// What the symbols of RFC 1951 §3.2.5 mean, in the form of `HuffmanTable`'s entries.
enum InflateSymbols {
    static let literal: UInt32 = 0
    static let copy: UInt32 = 1
    static let blockEnd: UInt32 = 2
    static let impossible: UInt32 = 3

    static func entry(_ kind: UInt32, _ value: Int, extra: Int = 0) -> UInt32 {
        UInt32(value) << 16 | kind << 8 | UInt32(extra) << 4
    }

    static func templates(_ purpose: HuffmanTable.Purpose) -> [UInt32] {
        switch purpose {
        case .codeLengths: codeLengths
        case .literals: literals
        case .distances: distances
        }
    }

    private static let codeLengths = (0..<19).map { entry(literal, $0) }

    private static let literals: [UInt32] = {
        var entries = (0..<256).map { entry(literal, $0) }
        entries.append(entry(blockEnd, 0))
        var base = 3
        for symbol in 257..<285 {
            let extra = symbol < 265 ? 0 : (symbol - 261) / 4
            entries.append(entry(copy, base, extra: extra))
            base += 1 << extra
        }
        entries.append(entry(copy, 258))
        return entries + [entry(impossible, 0), entry(impossible, 0)]
    }()

    private static let distances: [UInt32] = {
        var entries: [UInt32] = []
        var base = 1
        for symbol in 0..<30 {
            let extra = symbol < 4 ? 0 : (symbol - 2) / 2
            entries.append(entry(copy, base, extra: extra))
            base += 1 << extra
        }
        return entries + [entry(impossible, 0), entry(impossible, 0)]
    }()
}
