/// The inner loop: literals and copies of one block, RFC 1951 §3.2.5.
enum InflateCodes {
    enum Outcome {
        case windowFull
        case needsInput
        case blockEnd
    }

    private static let quickMask: UInt64 = 1 << UInt64(HuffmanTable.quickBits) - 1

    /// Decodes until `stop` is reached in the window, which has room for a longest copy behind it.
    static func decode(
        _ input: Span<UInt8>,
        _ heldBits: inout InflateBits,
        _ window: inout InflateWindow,
        stop: Int,
        _ literals: HuffmanTable,
        _ distances: HuffmanTable
    ) throws(InflateError) -> Outcome {
        // Local copies stay in registers.
        var bits = heldBits
        var end = window.end
        defer {
            heldBits = bits
            window.end = end
        }
        let quick = literals.quick.span
        var octets = window.octets.mutableSpan
        while end < stop {
            bits.refill(input)
            var entry = quick[Int(bits.hold & quickMask)]
            if entry == 0 { entry = literals.slowly(bits.hold) }
            let used = Int(entry & 15)
            guard used > 0, used <= bits.count else {
                try checkMissing(entry, bits.count)
                return .needsInput
            }
            switch entry >> 8 & 3 {
            case InflateSymbols.literal:
                octets[end] = UInt8(truncatingIfNeeded: entry >> 16)
                end += 1
                bits.drop(used)
            case InflateSymbols.copy:
                guard let copy = try readCopy(entry, bits, distances) else { return .needsInput }
                guard copy.distance <= end else {
                    throw .corrupt("the compressed content refers to what was never there")
                }
                bits.drop(copy.used)
                let from = end - copy.distance
                for index in 0..<copy.length { octets[end + index] = octets[from + index] }
                end += copy.length
            case InflateSymbols.blockEnd:
                bits.drop(used)
                return .blockEnd
            default: throw .corrupt("the compressed content uses a reserved symbol")
            }
        }
        return .windowFull
    }

    /// The bits of length and distance together; nil when not all of them are there.
    @inline(__always)
    private static func readCopy(
        _ length: UInt32,
        _ bits: InflateBits,
        _ distances: HuffmanTable
    ) throws(InflateError) -> (length: Int, distance: Int, used: Int)? {
        var hold = bits.hold >> UInt64(length & 15)
        let lengthExtra = UInt64(length >> 4 & 15)
        let count = Int(length >> 16) + Int(hold & (1 << lengthExtra - 1))
        hold >>= lengthExtra
        var distance = distances.quick[Int(hold & quickMask)]
        if distance == 0 { distance = distances.slowly(hold) }
        let usedBefore = Int(length & 15) + Int(lengthExtra)
        let code = Int(distance & 15)
        guard code > 0, usedBefore + code <= bits.count else {
            try checkMissing(distance, bits.count - usedBefore)
            return nil
        }
        guard distance >> 8 & 3 == InflateSymbols.copy else {
            throw .corrupt("the compressed content uses a reserved symbol")
        }
        hold >>= UInt64(code)
        let distanceExtra = UInt64(distance >> 4 & 15)
        let used = usedBefore + code + Int(distanceExtra)
        guard used <= bits.count else { return nil }
        return (count, Int(distance >> 16) + Int(hold & (1 << distanceExtra - 1)), used)
    }

    /// Fifteen bits without a code are an error; fewer may yet become one.
    private static func checkMissing(_ entry: UInt32, _ available: Int) throws(InflateError) {
        if entry == 0, available >= 15 {
            throw .corrupt("the compressed content uses a code that was not defined")
        }
    }
}
