/// The octets that HTTP's grammar names.
enum HTTPOctet {
    static let tab: UInt8 = 0x09
    static let lineFeed: UInt8 = 0x0A
    static let carriageReturn: UInt8 = 0x0D
    static let space: UInt8 = 0x20
    static let quote: UInt8 = 0x22
    static let numberSign: UInt8 = 0x23
    static let percent: UInt8 = 0x25
    static let ampersand: UInt8 = 0x26
    static let plus: UInt8 = 0x2B
    static let comma: UInt8 = 0x2C
    static let hyphen: UInt8 = 0x2D
    static let slash: UInt8 = 0x2F
    static let colon: UInt8 = 0x3A
    static let semicolon: UInt8 = 0x3B
    static let equals: UInt8 = 0x3D
    static let questionMark: UInt8 = 0x3F
    static let backslash: UInt8 = 0x5C
    static let delete: UInt8 = 0x7F
}

extension HTTPOctet {
    /// RFC 9110 §5.6.3: SP or HTAB.
    static func isBlank(_ octet: UInt8) -> Bool { octet == space || octet == tab }

    /// RFC 9110 §5.5: HTAB, SP, VCHAR or obs-text; never CR, LF, NUL or another control.
    static func isFieldText(_ octet: UInt8) -> Bool {
        octet >= 0x20 ? octet != delete : octet == tab
    }

    /// RFC 5234 appendix B.1: VCHAR.
    static func isVisible(_ octet: UInt8) -> Bool { octet > space && octet < delete }

    static func isDigit(_ octet: UInt8) -> Bool { octet &- 0x30 < 10 }

    /// ASCII letters in lower case, everything else as it is.
    static func lowered(_ octet: UInt8) -> UInt8 { octet &- 0x41 < 26 ? octet | 0x20 : octet }

    /// Nil when this is no hexadecimal digit.
    static func hexValue(_ octet: UInt8) -> Int? {
        switch octet {
        case 0x30...0x39: Int(octet) - 0x30
        case 0x41...0x46: Int(octet) - 0x41 + 10
        case 0x61...0x66: Int(octet) - 0x61 + 10
        default: nil
        }
    }
}

/// A set of ASCII octets as two words of bits: a question costs a shift, and no table is read.
struct HTTPOctetSet: Sendable {
    let low: UInt64
    let high: UInt64

    @inline(__always)
    func contains(_ octet: UInt8) -> Bool {
        guard octet < 128 else { return false }
        return ((octet < 64 ? low : high) >> UInt64(octet & 63)) & 1 == 1
    }

    /// RFC 9110 §5.6.2: letters, digits and ``!#$%&'*+-.^_`|~``.
    static var token: HTTPOctetSet {
        HTTPOctetSet(low: 0x03FF_6CFA_0000_0000, high: 0x57FF_FFFF_C7FF_FFFE)
    }

    /// RFC 3986 §2.3: letters, digits and `-._~`.
    static var unreserved: HTTPOctetSet {
        HTTPOctetSet(low: 0x03FF_6000_0000_0000, high: 0x47FF_FFFE_87FF_FFFE)
    }

    /// RFC 3986 §3.2.2, reg-name: unreserved, sub-delims and `%`.
    static var registeredName: HTTPOctetSet {
        HTTPOctetSet(low: 0x2BFF_7FF2_0000_0000, high: 0x47FF_FFFE_87FF_FFFE)
    }

    /// What may stand in a request target, RFC 3986 §3.3–3.4; `%` is taken for an escape.
    static var target: HTTPOctetSet {
        HTTPOctetSet(low: 0xAFFF_FFF2_0000_0000, high: 0x47FF_FFFE_87FF_FFFF)
    }
}
