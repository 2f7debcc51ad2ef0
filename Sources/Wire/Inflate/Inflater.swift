/// Decompresses DEFLATE, RFC 1951, however its octets are cut. It holds 96 KB at most, and less for
/// small streams.
///
/// A symbol is read whole or not at all: what is missing is waited for with nothing changed but the
/// bits at hand, so there is no state within a symbol.
struct Inflater: Sendable {
    private enum Stage: Sendable {
        case blockHeader
        case storedLength
        case stored(left: Int)
        case dynamic
        case codes
        case done
    }

    private enum Step {
        case goOn
        case needsInput
    }

    private var stage = Stage.blockHeader
    private var isLastBlock = false
    private var bits = InflateBits()
    private var window = InflateWindow()
    private var header = DynamicBlockHeader()
    private var literals = HuffmanTable.fixedLiterals
    private var distances = HuffmanTable.fixedDistances

    init() {}

    /// The last block has ended; what follows in the input is not compressed by this stream.
    var isFinished: Bool { if case .done = stage { true } else { false } }

    /// For the next stream; keeps the memory.
    mutating func reset() {
        stage = .blockHeader
        isLastBlock = false
        bits = InflateBits()
        window.reset()
    }

    /// Appends to `output` until the input is used up, the stream ends, or `limit` octets or at most
    /// 257 more have been appended. Returns how many octets of the input were used.
    mutating func inflate(
        _ input: Span<UInt8>,
        into output: inout [UInt8],
        upTo limit: Int = .max
    ) throws(InflateError) -> Int {
        let before = output.count
        bits.position = 0
        defer { window.handOut(to: &output) }
        while !isFinished {
            let room = limit - (output.count - before) - window.pending
            guard room > 0 else { break }
            window.makeRoom(handingOutTo: &output)
            let stop = min(
                window.octets.count - InflateWindow.longestCopy,
                window.end + min(room, 1 << 20)
            )
            guard case .goOn = try step(input, stop) else { return bits.position }
        }
        bits.giveBack()
        return bits.position
    }

    private mutating func step(
        _ input: Span<UInt8>,
        _ stop: Int
    ) throws(InflateError) -> Step {
        switch stage {
        case .done: return .goOn
        case .blockHeader: return try readBlockHeader(input)
        case .storedLength: return try readStoredLength(input)
        case .stored(let left): return copyStored(input, left, stop)
        case .dynamic:
            guard let codes = try header.read(input, &bits) else { return .needsInput }
            (literals, distances) = codes
            stage = .codes
            return .goOn
        case .codes:
            let decoded = try InflateCodes.decode(
                input,
                &bits,
                &window,
                stop: stop,
                literals,
                distances
            )
            if decoded == .blockEnd { endBlock() }
            return decoded == .needsInput ? .needsInput : .goOn
        }
    }

    private mutating func endBlock() { stage = isLastBlock ? .done : .blockHeader }

    /// RFC 1951 §3.2.3.
    private mutating func readBlockHeader(_ input: Span<UInt8>) throws(InflateError) -> Step {
        guard let value = bits.take(3, input) else { return .needsInput }
        isLastBlock = value & 1 == 1
        switch value >> 1 {
        case 0:
            bits.alignToOctet()
            stage = .storedLength
        case 1:
            literals = HuffmanTable.fixedLiterals
            distances = HuffmanTable.fixedDistances
            stage = .codes
        case 2:
            header = DynamicBlockHeader()
            stage = .dynamic
        default: throw .corrupt("the compressed content has a block of no known type")
        }
        return .goOn
    }

    /// RFC 1951 §3.2.4.
    private mutating func readStoredLength(_ input: Span<UInt8>) throws(InflateError) -> Step {
        guard let value = bits.take(32, input) else { return .needsInput }
        let length = value & 0xFFFF
        guard value >> 16 == length ^ 0xFFFF else {
            throw .corrupt("the length of a stored block is wrong")
        }
        bits.giveBack()
        if length == 0 { endBlock() } else { stage = .stored(left: length) }
        return .goOn
    }

    private mutating func copyStored(_ input: Span<UInt8>, _ left: Int, _ stop: Int) -> Step {
        let count = min(left, stop - window.end, input.count - bits.position)
        guard count > 0 else { return .needsInput }
        let from = bits.position
        let to = window.end
        var octets = window.octets.mutableSpan
        for index in 0..<count { octets[to + index] = input[from + index] }
        window.end += count
        bits.position += count
        if count == left { endBlock() } else { stage = .stored(left: left - count) }
        return .goOn
    }
}
