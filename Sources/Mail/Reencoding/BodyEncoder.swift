/// How the body of one part is written.
enum BodyEncoder: Sendable {
    case verbatim
    case quotedPrintable(QuotedPrintableEncoder)
    case base64(Base64Encoder)
    /// Quoted-printable that breaks its own rules.
    case mendedQuotedPrintable(QuotedPrintableMender)
    /// Base64 that does.
    case mendedBase64(LineBreaker)

    mutating func encode(_ bytes: Span<UInt8>, into output: inout [UInt8]) {
        switch self {
        case .verbatim: output.append(bytes)
        case .quotedPrintable(var encoder):
            encoder.encode(bytes, into: &output)
            self = .quotedPrintable(encoder)
        case .base64(var encoder):
            encoder.encode(bytes, into: &output)
            self = .base64(encoder)
        case .mendedQuotedPrintable(var mender):
            mender.mend(bytes, into: &output)
            self = .mendedQuotedPrintable(mender)
        case .mendedBase64(var breaker):
            breaker.write(bytes, into: &output)
            self = .mendedBase64(breaker)
        }
    }

    mutating func finish(into output: inout [UInt8]) {
        switch self {
        case .verbatim, .mendedQuotedPrintable, .mendedBase64: break
        case .quotedPrintable(var encoder): encoder.finish(into: &output)
        case .base64(var encoder): encoder.finish(into: &output)
        }
        self = .verbatim
    }
}

/// Writes what is not allowed in quoted-printable as codes, and breaks lines that are too long for
/// any transport (RFC 2045 §6.7).
struct QuotedPrintableMender: Sendable {
    private static let hexDigits = Array("0123456789ABCDEF".utf8)
    private var column = 0
    /// How many digits of a code are still to come: nothing may stand between them.
    private var digits = 0

    mutating func mend(_ bytes: Span<UInt8>, into output: inout [UInt8]) {
        for index in bytes.indices {
            let byte = bytes[index]
            if byte == .carriageReturn || byte == .lineFeed {
                output.append(byte)
                column = 0
                digits = 0
                continue
            }
            if column >= 900, digits == 0 {
                output.append("=\r\n")
                column = 0
            }
            if byte >= 0x80 || byte == 0 {
                output.append(UInt8(ascii: "="))
                output.append(Self.hexDigits[Int(byte >> 4)])
                output.append(Self.hexDigits[Int(byte & 15)])
                column += 3
            } else {
                output.append(byte)
                column += 1
                digits = byte == UInt8(ascii: "=") ? 2 : max(digits - 1, 0)
            }
        }
    }
}

/// Breaks lines that are too long for any transport, and writes what is not ASCII as `substitute`, or
/// not at all: for octets that no reader looks at.
struct LineBreaker: Sendable {
    let substitute: UInt8?
    let takes8Bit: Bool
    let lineEnd: [UInt8]
    private var column = 0

    /// Between the parts: what a reader skips. A line that is broken must not begin as a delimiter.
    static func loose(takes8Bit: Bool) -> LineBreaker {
        LineBreaker(
            substitute: UInt8(ascii: "?"),
            takes8Bit: takes8Bit,
            lineEnd: Array("\r\n ".utf8)
        )
    }

    /// What is outside its alphabet does not count (RFC 2045 §6.8).
    static let base64 = LineBreaker(substitute: nil, takes8Bit: false, lineEnd: Array("\r\n".utf8))

    private init(substitute: UInt8?, takes8Bit: Bool, lineEnd: [UInt8]) {
        self.substitute = substitute
        self.takes8Bit = takes8Bit
        self.lineEnd = lineEnd
    }

    mutating func write(_ bytes: Span<UInt8>, into output: inout [UInt8]) {
        for index in bytes.indices {
            let byte = bytes[index]
            if byte == .carriageReturn || byte == .lineFeed {
                output.append(byte)
                column = 0
                continue
            }
            if column >= 900 {
                output += lineEnd
                column = lineEnd.count - 2
            }
            if byte == 0 || byte >= 0x80 && !takes8Bit {
                guard let substitute else { continue }
                output.append(substitute)
            } else {
                output.append(byte)
            }
            column += 1
        }
    }
}
