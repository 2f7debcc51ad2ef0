extension UInt8 {
    static let tab: UInt8 = 9
    static let lineFeed: UInt8 = 10
    static let carriageReturn: UInt8 = 13
    static let space: UInt8 = 32
    static let quote: UInt8 = 34
    static let dot: UInt8 = 46
    static let colon: UInt8 = 58
    static let at: UInt8 = 64
    static let backslash: UInt8 = 92

    @inline(__always) var isBlank: Bool { self == 32 || self == 9 }
    @inline(__always) var isControl: Bool { self < 32 || self == 127 }
    @inline(__always) var isDigit: Bool { self &- 48 < 10 }
    @inline(__always) var isUpperCase: Bool { self &- 65 < 26 }
    @inline(__always) var lowered: UInt8 { isUpperCase ? self | 32 : self }

    var hexValue: UInt8? {
        switch self {
        case 48...57: self - 48
        case 65...70: self - 55
        case 97...102: self - 87
        default: nil
        }
    }
}

extension String {
    /// The text of these octets; what is not UTF-8 becomes U+FFFD.
    package init(octets: Span<UInt8>) {
        do {
            self.init(copying: try UTF8Span(validating: octets))
        } catch {
            self.init(decoding: Array(octets), as: UTF8.self)
        }
    }
}

extension [UInt8] {
    init(_ span: Span<UInt8>) {
        self.init(capacity: span.count) { room in
            for index in span.indices { room.append(span[index]) }
        }
    }
}
