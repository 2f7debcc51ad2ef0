/// What of a mail's content not every next hop takes.
package struct ContentTraits: OptionSet, Hashable, Sendable {
    package let rawValue: Int

    package init(rawValue: Int) { self.rawValue = rawValue }

    /// Octets beyond ASCII, in the header or below it.
    package static let is8Bit = ContentTraits(rawValue: 1)
    package static let hasRawHeader = ContentTraits(rawValue: 2)
    /// A line of more than 998 octets (RFC 5322 §2.1.1).
    package static let hasLongLines = ContentTraits(rawValue: 4)
    /// Any octets, perhaps without lines: declared BINARYMIME, or with a NUL among them, which only
    /// binary content may hold (RFC 2045 §2.7-2.9).
    package static let isBinary = ContentTraits(rawValue: 8)
    /// Declared SMTPUTF8.
    package static let isInternational = ContentTraits(rawValue: 16)
}

/// Notices the traits of content as it passes, in pieces of any size.
package struct ContentSurvey: Sendable {
    package static let longestLine = 998

    package private(set) var traits: ContentTraits = []
    /// Octets since the last LF, its CR included.
    private var open = 0

    package init() {}

    package mutating func read(_ bytes: Span<UInt8>) {
        if !traits.isSuperset(of: [.is8Bit, .isBinary]) {
            // Without a branch in the loop, so that the compiler looks at whole registers of octets.
            var (all, least) = (UInt8.min, UInt8.max)
            for index in bytes.indices {
                all |= bytes[index]
                least = min(least, bytes[index])
            }
            if all >= 0x80 { traits.insert(.is8Bit) }
            if least == 0, !bytes.isEmpty { traits.insert(.isBinary) }
        }
        if !traits.contains(.hasLongLines) { measure(bytes) }
    }

    /// Looks back for an LF from where the line would be too long: of most lines only the end is seen.
    private mutating func measure(_ bytes: Span<UInt8>) {
        let room = Self.longestLine + 2
        var start = 0
        while true {
            let limit = start + room - open
            var index = min(limit, bytes.count)
            while index > start, bytes[index - 1] != .lineFeed { index -= 1 }
            if index > start {
                open = 0
                start = index
            } else if limit <= bytes.count {
                traits.insert(.hasLongLines)
                return
            } else {
                open += bytes.count - start
                return
            }
        }
    }
}
