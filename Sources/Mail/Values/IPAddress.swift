/// An IPv4 or IPv6 address as a number. A v4-mapped IPv6 address counts as IPv4 (RFC 4291 §2.5.5.2).
package struct IPAddress: Hashable, Sendable {
    package enum Family: Hashable, Sendable { case v4, v6 }

    package let family: Family
    package let value: UInt128

    package init(v4 value: UInt32) {
        family = .v4
        self.value = UInt128(value)
    }

    package init(v6 value: UInt128) {
        let isMapped = value >> 32 == 0xffff
        family = isMapped ? .v4 : .v6
        self.value = isMapped ? value & 0xffff_ffff : value
    }

    package static let loopback = IPAddress(v4: 0x7f00_0001)

    /// The number of bits of the family: 32 or 128.
    package var width: Int { family == .v4 ? 32 : 128 }

    /// Of IPv6 the first address of its /64, within which one host has as many as it likes (RFC 7721
    /// §2); of IPv4 the address itself.
    package var network: IPAddress {
        family == .v4 ? self : IPAddress(v6: value & ~UInt128(UInt64.max))
    }

    package var isLoopback: Bool {
        family == .v4 ? value >> 24 == 127 : value == 1
    }
}

/// As numbers; all of IPv4 comes first.
extension IPAddress: Comparable {
    package static func < (left: IPAddress, right: IPAddress) -> Bool {
        left.family == right.family ? left.value < right.value : left.family == .v4
    }
}

extension IPAddress: CustomStringConvertible, LosslessStringConvertible {
    /// Dotted decimal, or RFC 4291 §2.2 text (no zone, no brackets); nil for anything else.
    package init?(_ text: String) {
        if text.utf8.contains(UInt8(ascii: ":")) {
            guard let value = Self.parseV6(text) else { return nil }
            self.init(v6: value)
        } else {
            guard let value = Self.parseV4(text[...]) else { return nil }
            self.init(v4: value)
        }
    }

    /// RFC 5952 form for IPv6.
    package var description: String {
        guard family == .v6 else {
            var text: [UInt8] = []
            text.reserveCapacity(15)
            text.append(self)
            return String(octets: text.span)
        }
        let groups = (0..<8).map { UInt16(truncatingIfNeeded: value >> UInt128(112 - 16 * $0)) }
        guard let zeros = Self.longestZeroRun(in: groups) else {
            return groups.map { String($0, radix: 16) }.joined(separator: ":")
        }
        let text = { (part: ArraySlice<UInt16>) in
            part.map { String($0, radix: 16) }.joined(separator: ":")
        }
        return text(groups[..<zeros.lowerBound]) + "::" + text(groups[zeros.upperBound...])
    }

    private static func parseV4(_ text: Substring) -> UInt32? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var value: UInt32 = 0
        for part in parts {
            guard (1...3).contains(part.utf8.count), part.utf8.allSatisfy({ $0 &- 48 < 10 }),
                let octet = UInt8(part), part.utf8.count == 1 || part.utf8.first != 48
            else { return nil }
            value = value << 8 | UInt32(octet)
        }
        return value
    }

    private static func parseV6(_ text: String) -> UInt128? {
        let halves = text.split(separator: "::", omittingEmptySubsequences: false)
        guard halves.count <= 2, let head = groups(of: halves[0]),
            let tail = halves.count == 2 ? groups(of: halves[1]) : []
        else { return nil }
        let missing = 8 - head.count - tail.count
        guard halves.count == 2 ? missing >= 1 : missing == 0 else { return nil }
        let all = head + Array(repeating: 0, count: missing) + tail
        return all.reduce(0) { $0 << 16 | UInt128($1) }
    }

    private static func groups(of text: Substring) -> [UInt16]? {
        if text.isEmpty { return [] }
        var groups: [UInt16] = []
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            if index == parts.count - 1, part.contains("."), let v4 = parseV4(part) {
                groups += [UInt16(v4 >> 16), UInt16(truncatingIfNeeded: v4)]
            } else {
                guard (1...4).contains(part.utf8.count), part.utf8.first != UInt8(ascii: "+"),
                    let group = UInt16(part, radix: 16)
                else { return nil }
                groups.append(group)
            }
        }
        return groups
    }

    private static func longestZeroRun(in groups: [UInt16]) -> Range<Int>? {
        var best: Range<Int>?
        var start: Int?
        for index in 0...groups.count {
            if index < groups.count, groups[index] == 0 {
                start = start ?? index
            } else if let from = start {
                if index - from >= 2, index - from > (best?.count ?? 0) { best = from..<index }
                start = nil
            }
        }
        return best
    }
}

extension [UInt8] {
    mutating func append(_ address: IPAddress) {
        guard address.family == .v4 else { return append(address.description) }
        let number = UInt32(truncatingIfNeeded: address.value)
        for place in 0..<4 {
            if place > 0 { append(.dot) }
            appendDecimal(Int64(number >> UInt32(24 - 8 * place) & 255))
        }
    }
}
