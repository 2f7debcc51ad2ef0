/// What makes a peer's words no reply. The connection cannot go on after one.
package enum SMTPReplyError: Error, Hashable, Sendable {
    case lineTooLong
    case tooManyLines
    /// Not three digits followed by a space, a hyphen or the end.
    case malformed(String)

    package var reason: String {
        switch self {
        case .lineTooLong: "the reply has a line of more than \(SMTPReplyReader.lineLimit) octets"
        case .tooManyLines: "the reply has more than \(SMTPReplyReader.lineCountLimit) lines"
        case .malformed(let line): "not an SMTP reply: \(line)"
        }
    }
}

/// Turns a server's bytes into replies. Tolerates what RFC 5321 §4.2 asks a client to tolerate: no
/// text, bare LF, and a multi-line reply whose codes differ (the last line decides).
package struct SMTPReplyReader: Sendable {
    static let lineLimit = 2048
    static let lineCountLimit = 100

    private var buffer = SMTPLineBuffer()
    private var lines: [String] = []
    private var enhanced: String?

    package init() {}

    package mutating func receive(_ bytes: Span<UInt8>) { buffer.append(bytes) }

    /// Whether the server has said more than was asked. Behind the 220 to STARTTLS that is an
    /// attack: those octets came in the clear.
    package var hasBufferedOctets: Bool { !buffer.isEmpty || !lines.isEmpty }

    /// The next whole reply, or nil until more bytes arrive.
    package mutating func next() throws(SMTPReplyError) -> SMTPReply? {
        while let line = buffer.next(limit: Self.lineLimit) {
            guard case .whole(let octets) = line else { throw .lineTooLong }
            guard lines.count < Self.lineCountLimit else { throw .tooManyLines }
            let (code, isLast) = try Self.code(of: octets)
            take(octets.dropFirst(4), of: code)
            guard isLast else { continue }
            defer {
                lines = []
                enhanced = nil
            }
            return SMTPReply(code, enhanced, lines: lines)
        }
        return nil
    }

    private static func code(of line: [UInt8]) throws(SMTPReplyError) -> (Int, isLast: Bool) {
        let digits = line.prefix(3)
        guard digits.count == 3, digits.allSatisfy({ $0 &- 48 < 10 }),
            (50...53).contains(line[0]), line.count == 3 || line[3] == 32 || line[3] == 45
        else {
            let text = String(decoding: line.prefix(80), as: UTF8.self)
            throw .malformed(SMTPReply(0, nil, text).text)
        }
        let code = digits.reduce(0) { $0 * 10 + Int($1 - 48) }
        return (code, line.count == 3 || line[3] == 32)
    }

    private mutating func take(_ rest: ArraySlice<UInt8>, of code: Int) {
        var text = rest
        if let end = Self.endOfStatus(in: rest, class: code / 100) {
            enhanced = String(decoding: rest[..<end], as: UTF8.self)
            text = rest[end...].drop { $0 == 32 }
        }
        lines.append(String(decoding: text, as: UTF8.self))
    }

    /// Where an enhanced status code whose class is the reply's (RFC 2034 §4) ends; nil unless the
    /// text begins with one.
    private static func endOfStatus(in text: ArraySlice<UInt8>, class kind: Int) -> Int? {
        let end = text.firstIndex(of: 32) ?? text.endIndex
        let parts = text[..<end].split(
            separator: UInt8(ascii: "."),
            maxSplits: 3,
            omittingEmptySubsequences: false
        )
        let isNumber = { (part: ArraySlice<UInt8>) in
            (1...3).contains(part.count) && part.allSatisfy { $0 &- 48 < 10 }
        }
        guard parts.count == 3, parts[0].count == 1, parts[0].first == UInt8(48 + kind),
            parts.allSatisfy(isNumber)
        else { return nil }
        return end
    }
}
