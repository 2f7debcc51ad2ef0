package import Mail

/// The addresses a connector serves: one address, a CIDR block or `a-b`, both ends included.
package struct AddressRange: Hashable, Sendable {
    package let lower: IPAddress
    package let upper: IPAddress

    package init(_ lower: IPAddress, through upper: IPAddress) {
        self.lower = lower
        self.upper = upper
    }

    /// All addresses of a family.
    package static let allV4 = AddressRange(
        IPAddress(v4: 0),
        through: IPAddress(v4: .max)
    )
    package static let allV6 = AddressRange(
        IPAddress(v6: 0),
        through: IPAddress(v6: .max)
    )

    /// `::`, from which nothing ever comes.
    package static let unspecified = AddressRange(IPAddress(v6: 0), through: IPAddress(v6: 0))

    package var family: IPAddress.Family { lower.family }

    /// One less than the number of addresses, so that all of IPv6 fits.
    package var span: UInt128 { upper.value - lower.value }

    package func contains(_ address: IPAddress) -> Bool {
        address.family == family && lower.value <= address.value && address.value <= upper.value
    }

    package func contains(_ other: AddressRange) -> Bool {
        contains(other.lower) && contains(other.upper)
    }

    package func overlaps(_ other: AddressRange) -> Bool {
        family == other.family && lower.value <= other.upper.value
            && other.lower.value <= upper.value
    }
}

extension AddressRange: CustomStringConvertible, LosslessStringConvertible {
    /// An address, a CIDR block (host bits allowed, as Exchange does) or `a-b`; nil otherwise.
    package init?(_ text: String) {
        if let slash = text.firstIndex(of: "/") {
            guard let address = IPAddress(String(text[..<slash])),
                let length = Digits.number(text[text.index(after: slash)...]),
                let prefix = Self.prefixLength(length, of: text[..<slash], as: address)
            else { return nil }
            self.init(address, prefix: prefix)
            // A block of IPv6 that ends among the v4-mapped addresses would be of two families.
            guard lower.family == upper.family else { return nil }
        } else if let dash = text.firstIndex(of: "-") {
            guard let lower = IPAddress(String(text[..<dash])),
                let upper = IPAddress(String(text[text.index(after: dash)...])),
                lower.family == upper.family, lower.value <= upper.value
            else { return nil }
            self.init(lower, through: upper)
        } else {
            guard let address = IPAddress(text) else { return nil }
            self.init(address, through: address)
        }
    }

    private init(_ address: IPAddress, prefix: Int) {
        let hostBits = UInt128(address.width - prefix)
        let hosts = hostBits == 128 ? UInt128.max : (1 << hostBits) - 1
        let make = { (value: UInt128) in
            address.family == .v4
                ? IPAddress(v4: UInt32(truncatingIfNeeded: value)) : IPAddress(v6: value)
        }
        self.init(make(address.value & ~hosts), through: make(address.value | hosts))
    }

    /// A v4-mapped block counts as IPv4: `::ffff:10.0.0.0/104` is `10.0.0.0/8`.
    private static func prefixLength(
        _ length: Int,
        of text: Substring,
        as address: IPAddress
    ) -> Int? {
        let isMapped = address.family == .v4 && text.contains(":")
        let prefix = isMapped ? length - 96 : length
        return (0...address.width).contains(prefix) ? prefix : nil
    }

    package var description: String {
        if lower == upper { return lower.description }
        let size = span &+ 1
        if size & span == 0, lower.value & span == 0 {
            return "\(lower)/\(lower.width - (128 - span.leadingZeroBitCount))"
        }
        return "\(lower)-\(upper)"
    }
}

/// Whole numbers as configuration writes them: `Int` itself would also take `+8` and `-0`.
enum Digits {
    static func number(_ text: Substring) -> Int? {
        text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int(text) : nil
    }
}
