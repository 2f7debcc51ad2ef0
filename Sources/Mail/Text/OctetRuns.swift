extension [UInt8] {
    /// Copies a run at once, with one growth: the loop compiles to a block copy.
    @inlinable @inline(__always)
    package mutating func append(_ run: Span<UInt8>) {
        append(addingCapacity: run.count) { room in
            for index in run.indices { room.append(run[index]) }
        }
    }

    @inlinable @inline(__always)
    package mutating func append(_ text: String) {
        append(text.utf8.span)
    }
}

/// The first index from `start` whose octet stops the run, or the count: `stops` answers 1 for such
/// an octet, else 0. Whole blocks are asked at once, without a branch, so that the compiler asks
/// them in vector registers; `||` would be a branch.
@inlinable @inline(__always)
package func endOfRun(
    in bytes: Span<UInt8>,
    from start: Int,
    stoppedBy stops: (UInt8) -> UInt8
) -> Int {
    var index = skip(blocksOf: 32, in: bytes, from: start, stops)
    index = skip(blocksOf: 8, in: bytes, from: index, stops)
    while index < bytes.count, stops(bytes[index]) == 0 { index += 1 }
    return index
}

/// Where the first block begins that holds a stop, or that the bytes are too short for.
@inlinable @inline(__always)
func skip(
    blocksOf size: Int,
    in bytes: Span<UInt8>,
    from start: Int,
    _ stops: (UInt8) -> UInt8
) -> Int {
    var index = start
    while bytes.count - index >= size {
        let block = bytes.extracting(index..<index + size)
        var found: UInt8 = 0
        for offset in 0..<size { found |= stops(block[offset]) }
        if found != 0 { break }
        index += size
    }
    return index
}

extension Bool {
    /// 1 or 0.
    @inlinable @inline(__always)
    package var octet: UInt8 { self ? 1 : 0 }
}
