/// The lexical tokens of an address field (RFC 5322 §3.2). Comments and blanks part tokens.
struct AddressTokens {
    enum Token {
        /// Anything without specials, dots and `@` included.
        case word([UInt8])
        /// The content of a quoted string, and how it was written.
        case quoted([UInt8], source: [UInt8])
        case angle([UInt8])
        case mark(UInt8)

        /// What a phrase shows.
        var content: [UInt8] {
            switch self {
            case .word(let octets), .quoted(let octets, _), .angle(let octets): octets
            case .mark(let octet): [octet]
            }
        }

        /// A word with an `@` looks like an address; a quoted one is a name.
        var holdsAt: Bool {
            if case .word(let octets) = self { octets.contains(.at) } else { false }
        }

        /// What an address without brackets is put together from.
        var source: [UInt8] {
            if case .quoted(_, let source) = self { source } else { content }
        }
    }

    private let octets: [UInt8]
    private var index = 0

    init(_ octets: [UInt8]) {
        self.octets = octets
    }

    mutating func next() throws(AddressError) -> Token? {
        while index < octets.count {
            let octet = octets[index]
            switch octet {
            case .space, .tab, .carriageReturn, .lineFeed:
                index += 1
            case UInt8(ascii: "("):
                try skipComment()
            case .quote:
                return try quoted()
            case UInt8(ascii: "<"):
                return try angle()
            case UInt8(ascii: ","), UInt8(ascii: ";"), .colon:
                index += 1
                return .mark(octet)
            case UInt8(ascii: "["):
                return try literal()
            default:
                return word()
            }
        }
        return nil
    }

    /// Passes over whatever else stands between an angle address and the next separator; throws for
    /// what could be a second address.
    mutating func skipToSeparator() throws(AddressError) {
        while let octet = peek, octet != UInt8(ascii: ","), octet != UInt8(ascii: ";") {
            guard octet != .at, octet != UInt8(ascii: "<") else {
                throw AddressError("an address follows another without a comma")
            }
            if octet == UInt8(ascii: "("), (try? skipComment()) != nil { continue }
            index += 1
        }
    }

    private var peek: UInt8? { index < octets.count ? octets[index] : nil }

    private static let specials = ByteSet("()<>,;:\"[ \t\r\n".utf8)

    private mutating func word() -> Token {
        let start = index
        index += 1
        while let octet = peek, !Self.specials.contains(octet) { index += 1 }
        return .word(Array(octets[start..<index]))
    }

    private mutating func quoted() throws(AddressError) -> Token {
        let start = index
        var content: [UInt8] = []
        index += 1
        while let octet = peek {
            index += 1
            if octet == .quote { return .quoted(content, source: Array(octets[start..<index])) }
            if octet == .backslash, let next = peek {
                content.append(next)
                index += 1
            } else if octet != .carriageReturn, octet != .lineFeed {
                content.append(octet)
            }
        }
        throw AddressError("a quoted string does not end")
    }

    private mutating func literal() throws(AddressError) -> Token {
        guard let end = octets[index...].firstIndex(of: UInt8(ascii: "]")) else {
            throw AddressError("the address literal does not end with ]")
        }
        defer { index = end + 1 }
        return .word(Array(octets[index...end]))
    }

    /// The content of angle brackets, blanks and comments left out.
    private mutating func angle() throws(AddressError) -> Token {
        var path: [UInt8] = []
        index += 1
        while let octet = peek {
            switch octet {
            case UInt8(ascii: ">"):
                index += 1
                return .angle(path)
            case UInt8(ascii: "("):
                try skipComment()
            case .quote:
                path += try quoted().source
            case .space, .tab, .carriageReturn, .lineFeed:
                index += 1
            default:
                path.append(octet)
                index += 1
            }
        }
        throw AddressError("the address has a < but no >")
    }

    /// Comments nest (§3.2.2).
    private mutating func skipComment() throws(AddressError) {
        var depth = 0
        while let octet = peek {
            index += 1
            switch octet {
            case .backslash: index += 1
            case UInt8(ascii: "("): depth += 1
            case UInt8(ascii: ")"):
                depth -= 1
                if depth == 0 { return }
            default: break
            }
        }
        throw AddressError("a comment does not end")
    }
}
