extension Array where Element == UInt8 {
    /// Appends a run with one growth and one copy.
    @inline(__always)
    mutating func append(copying run: Span<UInt8>) {
        append(addingCapacity: run.count) { output in
            for index in run.indices { output.append(run[index]) }
        }
    }

    @inline(__always)
    mutating func append(text: String) { append(contentsOf: text.utf8) }
}

/// The first index from `start` whose octet stops the run, or the count: `stops` answers 1 for such
/// an octet, else 0. Whole blocks are asked at once, without a branch, so that the compiler asks
/// them in vector registers; `||` would be a branch.
@inline(__always)
func endOfRun(
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
@inline(__always)
private func skip(
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

/// The first CR or LF from `start`, or the count.
func endOfLine(in bytes: Span<UInt8>, from start: Int) -> Int {
    endOfRun(in: bytes, from: start) { ($0 == 13).octet | ($0 == 10).octet }
}

/// The first octet from `start` that JSON does not write as it is in a string (RFC 8259 §7), or the
/// count.
func endOfPlainText(in bytes: Span<UInt8>, from start: Int) -> Int {
    endOfRun(in: bytes, from: start) { ($0 == 34).octet | ($0 == 92).octet | ($0 < 32).octet }
}

extension Bool {
    /// 1 or 0.
    @inline(__always)
    var octet: UInt8 { self ? 1 : 0 }
}
