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

/// The first index from `start` whose octet stops the run, or the count. Whole blocks are asked at
/// once, without an early exit, so that the compiler asks them in vector registers.
@inline(__always)
func endOfRun(
    in bytes: Span<UInt8>,
    from start: Int,
    stoppedBy stops: (UInt8) -> Bool
) -> Int {
    var index = start
    while bytes.count - index >= 32 {
        let block = bytes.extracting(index..<index + 32)
        var found: UInt8 = 0
        for offset in 0..<32 { found |= stops(block[offset]) ? 1 : 0 }
        if found != 0 { break }
        index += 32
    }
    while index < bytes.count, !stops(bytes[index]) { index += 1 }
    return index
}

/// The first CR or LF from `start`, or the count.
func endOfLine(in bytes: Span<UInt8>, from start: Int) -> Int {
    endOfRun(in: bytes, from: start) { $0 == 13 || $0 == 10 }
}

/// The first octet from `start` that JSON does not write as it is in a string (RFC 8259 §7), or the
/// count.
func endOfPlainText(in bytes: Span<UInt8>, from start: Int) -> Int {
    endOfRun(in: bytes, from: start) { $0 == 34 || $0 == 92 || $0 < 32 }
}
