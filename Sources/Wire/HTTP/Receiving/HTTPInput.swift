import Mail

/// Bytes that came in and are not yet used.
///
/// It holds no memory while it is empty, and gives its array away when all of it is taken.
struct HTTPInput: Sendable {
    private(set) var octets: [UInt8] = []
    /// Where the unused ones begin in `octets`.
    private(set) var start = 0

    var count: Int { octets.count - start }
    var isEmpty: Bool { start == octets.count }

    subscript(offset: Int) -> UInt8 { octets[start + offset] }

    mutating func append(_ bytes: Span<UInt8>) {
        if start > octets.count / 2 { compact() }  // so that each octet moves once on average
        octets.append(bytes)
    }

    mutating func skip(_ count: Int) {
        start += count
        if start == octets.count { removeAll() }
    }

    mutating func take(_ count: Int) -> [UInt8] {
        let taken: [UInt8]
        if start == 0, count == octets.count {
            taken = octets
            removeAll()
        } else {
            taken = [UInt8](octets[start..<start + count])
            skip(count)
        }
        return taken
    }

    mutating func move(_ count: Int, to output: inout [UInt8]) {
        if output.isEmpty {
            output = take(count)
        } else {
            output.append(contentsOf: octets[start..<start + count])
            skip(count)
        }
    }

    mutating func removeAll() {
        octets = []
        start = 0
    }

    private mutating func compact() {
        octets = [UInt8](octets[start...])
        start = 0
    }
}
