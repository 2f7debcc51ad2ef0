/// The octets decoded last, for copies to reach back to, and those not yet handed out.
struct InflateWindow: Sendable {
    static let reach = 32_768
    /// The longest copy, RFC 1951 §3.2.5.
    static let longestCopy = 258
    private static let capacity = 3 * reach

    var octets: [UInt8] = []
    /// Where the next octet goes.
    var end = 0
    private var handedOut = 0

    var pending: Int { end - handedOut }

    mutating func reset() {
        end = 0
        handedOut = 0
    }

    mutating func handOut(to output: inout [UInt8]) {
        output.append(contentsOf: octets[handedOut..<end])
        handedOut = end
    }

    /// Makes room for at least one longest copy. It begins small, since most streams are.
    mutating func makeRoom(handingOutTo output: inout [UInt8]) {
        guard end + Self.longestCopy >= octets.count else { return }
        if octets.count < Self.capacity {
            let wanted = min(max(4096, octets.count * 4), Self.capacity)
            octets.append(contentsOf: repeatElement(0, count: wanted - octets.count))
        } else {
            handOut(to: &output)
            octets.replaceSubrange(0..<Self.reach, with: [UInt8](octets[(end - Self.reach)..<end]))
            end = Self.reach
            handedOut = end
        }
    }
}
