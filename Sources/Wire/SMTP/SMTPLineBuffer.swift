import Mail

/// Lines out of pieces. A line ends at LF; a CR before it is dropped with it (devices send bare LF).
struct SMTPLineBuffer: Sendable {
    enum Line: Equatable {
        case whole([UInt8])
        /// The line passed its limit; it has been thrown away up to its end.
        case tooLong
    }

    private var octets: [UInt8] = []
    private var start = 0
    /// Up to here no LF was found.
    private var searched = 0
    private var isSkipping = false
    /// A line ended without a CR.
    private(set) var hasMetBareLineFeed = false

    var isEmpty: Bool { start == octets.count && !isSkipping }

    mutating func append(_ bytes: Span<UInt8>) {
        if start > 0 {
            octets.removeSubrange(..<start)
            searched -= start
            start = 0
        }
        octets.append(bytes)
    }

    /// The next line without its end; nil until more arrives. The limit counts the line's end.
    mutating func next(limit: Int) -> Line? {
        let end = endOfRun(in: octets.span, from: searched) { ($0 == 10).octet }
        searched = end
        guard end < octets.count else {
            if octets.count - start >= limit { skip() }
            return nil
        }
        defer { drop(through: end + 1) }
        guard !isSkipping, end + 1 - start <= limit else {
            isSkipping = false
            return .tooLong
        }
        let endsInCR = end > start && octets[end - 1] == 13
        if !endsInCR { hasMetBareLineFeed = true }
        return .whole(Array(octets[start..<(endsInCR ? end - 1 : end)]))
    }

    /// The first of the octets that have not been read as a line, at most so many.
    mutating func take(atMost count: Int) -> [UInt8] {
        let end = start + min(count, octets.count - start)
        let taken = Array(octets[start..<end])
        drop(through: end)
        return taken
    }

    /// Everything that has not been read as a line.
    mutating func takeAll() -> [UInt8] {
        defer { discard() }
        return start == 0 ? octets : Array(octets[start...])
    }

    mutating func discard() {
        octets = []
        start = 0
        searched = 0
        isSkipping = false
    }

    /// Whether the unread octets begin so, letters in any case; false while too few are here.
    func begins(with prefix: StaticString) -> Bool {
        let wanted = prefix.description.utf8
        guard octets.count - start >= wanted.count else { return false }
        return zip(octets[start...], wanted).allSatisfy { $0.uppercasedLetter == $1 }
    }

    /// A TLS record of a handshake (RFC 8446 §5.1): no text begins so.
    var beginsWithTLS: Bool {
        octets.count - start >= 2 && octets[start] == 0x16 && octets[start + 1] == 3
    }

    private mutating func skip() {
        isSkipping = true
        octets = []
        start = 0
        searched = 0
    }

    private mutating func drop(through end: Int) {
        if end == octets.count {
            // An idle connection holds no buffer.
            octets = []
            start = 0
        } else {
            start = end
        }
        searched = start
    }
}

extension UInt8 {
    @inline(__always)
    var uppercasedLetter: UInt8 { self &- 97 < 26 ? self & 0xdf : self }
}
