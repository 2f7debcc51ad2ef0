/// Reads the header of a gzip member, RFC 1952 §2.3, and passes over what it says.
struct GzipHeader: Sendable {
    private enum Part: Sendable {
        case fixed
        case extraLength
        case extra(left: Int)
        case name
        case comment
        case checksum
        case done
    }

    /// Names and comments have no length of their own.
    private static let octetLimit = 65_536

    private var part = Part.fixed
    private var flags: UInt8 = 0
    private var index = 0
    private var number = 0
    private var total = 0
    private var checksum = Checksum32()

    var isStarted: Bool { total > 0 }
    var isDone: Bool { if case .done = part { true } else { false } }

    mutating func receive(_ octet: UInt8) throws(InflateError) {
        total += 1
        guard total <= Self.octetLimit else { throw .corrupt("the gzip header is too long") }
        let expected = UInt16(truncatingIfNeeded: checksum.value)
        checksum.update(octet)
        index += 1
        switch part {
        case .done: break
        case .fixed: try receiveFixed(octet)
        case .name, .comment: if octet == 0 { enterNextPart() }
        case .extraLength:
            number |= Int(octet) << ((index - 1) * 8)
            if index == 2, number > 0 {
                enter(.extra(left: number))
            } else if index == 2 {
                enterNextPart()
            }
        case .extra(let left):
            if left == 1 { enterNextPart() } else { part = .extra(left: left - 1) }
        case .checksum:
            number |= Int(octet) << ((index - 1) * 8)
            if index == 1 { number |= Int(expected) << 16 }
            guard index == 2 else { return }
            guard number & 0xFFFF == number >> 16 else {
                throw .corrupt("the checksum of the gzip header is wrong")
            }
            enterNextPart()
        }
    }

    private mutating func receiveFixed(_ octet: UInt8) throws(InflateError) {
        switch index {
        case 1 where octet != 0x1F, 2 where octet != 0x8B:
            throw .corrupt("the content is not gzip")
        case 3 where octet != 8: throw .corrupt("gzip content of an unknown method")
        case 4:
            guard octet & 0xE0 == 0 else { throw .corrupt("gzip content with unknown flags") }
            flags = octet
        case 10: enterNextPart()
        default: break
        }
    }

    private mutating func enter(_ part: Part) {
        self.part = part
        index = 0
        number = 0
    }

    /// FHCRC 2, FEXTRA 4, FNAME 8, FCOMMENT 16.
    private mutating func enterNextPart() {
        switch part {
        case .fixed where flags & 4 != 0: enter(.extraLength)
        case .fixed, .extraLength, .extra:
            if flags & 8 != 0 { enter(.name) } else { enterCommentOrLater() }
        case .name: enterCommentOrLater()
        case .comment: enter(flags & 2 != 0 ? .checksum : .done)
        case .checksum, .done: enter(.done)
        }
    }

    private mutating func enterCommentOrLater() {
        enter(flags & 16 != 0 ? .comment : flags & 2 != 0 ? .checksum : .done)
    }
}
