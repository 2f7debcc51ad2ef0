/// How a text travels (RFC 2045 §6): as it is where any server can take it, else in the shorter of
/// the two encodings, with a bias for the one that people can read.
struct TextEncoding {
    enum Form {
        case sevenBit
        case quotedPrintable
        case base64
    }

    static let boundaryMark = "=_"

    private(set) var form: Form
    private(set) var isASCII: Bool
    /// Nothing but CRLF ends a line already.
    private let isNormal: Bool

    var name: String {
        switch form {
        case .sevenBit: "7bit"
        case .quotedPrintable: "quoted-printable"
        case .base64: "base64"
        }
    }

    init(for text: Span<UInt8>) {
        var survey = Survey()
        survey.read(text)
        isASCII = survey.highest < 128
        isNormal = survey.isNormal
        if isASCII, !survey.needsEncoding, survey.longestLine <= 998 {
            form = .sevenBit
        } else {
            form =
                Self.prefersQuotedPrintable(octets: text.count, codes: survey.codes)
                ? .quotedPrintable : .base64
        }
    }

    /// Whether people are better served with quoted-printable, though it may be a little longer.
    static func prefersQuotedPrintable(octets: Int, codes: Int) -> Bool {
        // A code takes three octets, and every 75 a soft break of three.
        let quoted = (octets + 2 * codes) * 78 / 75
        let base64 = octets * 4 / 3 * 78 / 76
        return quoted <= base64 * 135 / 100 + 32
    }

    /// Line ends leave as CRLF in every form: it is text (RFC 2046 §4.1.1).
    func append(_ text: Span<UInt8>, to output: inout [UInt8]) {
        switch form {
        case .sevenBit where isNormal:
            output.append(text)
        case .sevenBit:
            var lines = LineEndings()
            lines.normalise(text, into: &output)
        case .quotedPrintable:
            var encoder = QuotedPrintableEncoder()
            encoder.encode(text, into: &output)
            encoder.finish(into: &output)
        case .base64:
            var normal: [UInt8] = []
            var lines = LineEndings()
            lines.normalise(text, into: &normal)
            var encoder = Base64Encoder()
            encoder.encode(normal.span, into: &output)
            encoder.finish(into: &output)
        }
    }
}

/// One look at a text.
private struct Survey {
    var highest: UInt8 = 0
    var codes = 0
    var longestLine = 0
    var needsEncoding = false
    var isNormal = true

    mutating func read(_ text: Span<UInt8>) {
        var lineStart = 0
        var next = 0
        while let index = Self.firstNoteworthy(in: text, from: next) {
            next = index + 1
            let byte = text[index]
            switch byte {
            case .lineFeed:
                let isCRLF = index > lineStart && text[index - 1] == .carriageReturn
                isNormal = isNormal && isCRLF
                endLine(at: index - (isCRLF ? 1 : 0), from: &lineStart, next: index + 1)
            case .carriageReturn:
                guard index + 1 == text.count || text[index + 1] != .lineFeed else { continue }
                isNormal = false
                endLine(at: index, from: &lineStart, next: index + 1)
            case UInt8(ascii: "="):
                codes += 1
                // A line of 7bit text must not look like a boundary of ours.
                let isMark =
                    index >= lineStart + 2 && index + 1 < text.count
                    && text[index + 1] == UInt8(ascii: "_")
                    && text[index - 1] == UInt8(ascii: "-") && text[index - 2] == UInt8(ascii: "-")
                needsEncoding = needsEncoding || isMark
            case .tab: break
            default:
                codes += 1
                if byte >= 128 { highest = max(highest, byte) } else { needsEncoding = true }
            }
        }
        endLine(at: text.count, from: &lineStart, next: text.count)
    }

    /// All that needs a thought lies below the space, beyond the tilde, or is a `=`.
    private static func firstNoteworthy(in text: Span<UInt8>, from start: Int) -> Int? {
        let index = endOfRun(in: text, from: start) {
            ($0 &- 32 > 94).octet | ($0 == UInt8(ascii: "=")).octet
        }
        return index < text.count ? index : nil
    }

    private mutating func endLine(at end: Int, from start: inout Int, next: Int) {
        longestLine = max(longestLine, end - start)
        start = next
    }
}
