/// What was seen of one header section and the body below it.
struct LeafFacts: Sendable {
    var is8Bit = false
    var hasLongLines = false
    /// NUL, and line ends that are none: no line-by-line transport keeps them.
    var isRaw = false
    var isUTF8 = true
    /// Octets that quoted-printable writes as three.
    var codes = 0
    var octets = 0
    /// Of a multipart: a delimiter of its own was found.
    var isOpened = false
    /// Something in it, header or body, cannot go as it is.
    var holdsUnfit = false

    func isFit(for capacity: ContentCapacity) -> Bool {
        !isRaw && !hasLongLines && (capacity.takes8BitBody || !is8Bit)
    }
}

/// Looks at the octets of one body.
struct LeafSurvey {
    private(set) var facts = LeafFacts()
    private var line = 0
    private var isAfterReturn = false
    private var utf8 = UTF8Check()

    mutating func read(_ bytes: Span<UInt8>) {
        facts.octets += bytes.count
        for index in bytes.indices {
            let byte = bytes[index]
            if isAfterReturn, byte != .lineFeed { facts.isRaw = true }
            switch byte {
            case .lineFeed:
                if isAfterReturn { line -= 1 } else { facts.isRaw = true }
                endLine()
            case 0x80...:
                facts.is8Bit = true
                facts.codes += 1
                utf8.read(byte)
                line += 1
            default:
                if byte == 0 { facts.isRaw = true }
                if byte.isControl && byte != .carriageReturn || byte == UInt8(ascii: "=") {
                    facts.codes += 1
                }
                if !utf8.isComplete { utf8.fail() }
                line += 1
            }
            isAfterReturn = byte == .carriageReturn
        }
    }

    mutating func finish() {
        endLine()
        if isAfterReturn { facts.isRaw = true }
        facts.isUTF8 = utf8.isComplete && !utf8.hasFailed
    }

    private mutating func endLine() {
        if line > ContentSurvey.longestLine { facts.hasLongLines = true }
        line = 0
    }
}

/// Whether octets beyond ASCII are UTF-8 (RFC 3629 §4), one at a time.
private struct UTF8Check {
    private var missing = 0
    private var allowed: ClosedRange<UInt8> = 0x80...0xbf
    private(set) var hasFailed = false

    var isComplete: Bool { missing == 0 }

    mutating func fail() {
        hasFailed = true
        missing = 0
    }

    mutating func read(_ byte: UInt8) {
        if missing > 0 {
            guard allowed.contains(byte) else { return fail() }
            missing -= 1
            allowed = 0x80...0xbf
            return
        }
        allowed = 0x80...0xbf
        switch byte {
        case 0xc2...0xdf: missing = 1
        case 0xe0...0xef:
            missing = 2
            if byte == 0xe0 { allowed = 0xa0...0xbf }
            if byte == 0xed { allowed = 0x80...0x9f }
        case 0xf0...0xf4:
            missing = 3
            if byte == 0xf0 { allowed = 0x90...0xbf }
            if byte == 0xf4 { allowed = 0x80...0x8f }
        default: fail()
        }
    }
}
