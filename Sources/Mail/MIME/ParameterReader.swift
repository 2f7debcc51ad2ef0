/// Reads the parameters of a MIME field, those cut into pieces or encoded (RFC 2231) included.
struct ParameterReader {
    private let octets: [UInt8]
    private var index = 0

    /// Letters, digits and the marks that no syntax claims (RFC 2045 §5.1).
    static let tokenOctets = ByteSet.alphanumerics.union("!#$%&'*+-.^_`{|}~")

    init(_ octets: [UInt8]) {
        self.octets = octets
        skipBlanks()
    }

    mutating func token() -> String? {
        let start = index
        while let octet = peek, Self.tokenOctets.contains(octet) { index += 1 }
        guard index > start else { return nil }
        defer { skipBlanks() }
        return String(octets: octets.span.extracting(start..<index))
    }

    mutating func skip(_ mark: UInt8) -> Bool {
        guard peek == mark else { return false }
        index += 1
        skipBlanks()
        return true
    }

    /// Nil when something else stands there. A name without a value is none.
    mutating func parameters() -> [MIMEParameter]? {
        var pieces: [Piece] = []
        while peek != nil {
            guard skip(UInt8(ascii: ";")) else { return nil }
            guard let name = token()?.lowercased(), skip(UInt8(ascii: "=")) else { continue }
            guard let value = peek == .quote ? quotedString() : bareValue() else { return nil }
            pieces.append(Piece(name, value))
        }
        return Piece.joined(pieces)
    }

    private var peek: UInt8? { index < octets.count ? octets[index] : nil }

    private mutating func skipBlanks() {
        while let octet = peek, octet.isBlank || octet == .carriageReturn || octet == .lineFeed {
            index += 1
        }
    }

    /// Nil for one that does not end.
    private mutating func quotedString() -> [UInt8]? {
        var content: [UInt8] = []
        index += 1
        while let octet = peek {
            index += 1
            if octet == .quote {
                skipBlanks()
                return content
            }
            if octet == .backslash, let next = peek, next == .quote || next == .backslash {
                content.append(next)
                index += 1
            } else {
                // Some write a Windows path here: a backslash before anything else is itself.
                content.append(octet)
            }
        }
        return nil
    }

    /// A token, or what careless writers put in its place: all up to the next semicolon.
    private mutating func bareValue() -> [UInt8]? {
        let start = index
        while let octet = peek, octet != UInt8(ascii: ";") { index += 1 }
        return Array(octets[start..<index]).trimmedBlanks
    }
}

/// One `name*0*=value` of RFC 2231, or a whole parameter.
private struct Piece {
    let name: String
    /// Nil for a whole parameter.
    let number: Int?
    let isExtended: Bool
    let value: [UInt8]

    init(_ name: String, _ value: [UInt8]) {
        var parts = name.split(separator: "*", omittingEmptySubsequences: false)
        isExtended = parts.count > 1 && parts.last == ""
        if isExtended { parts.removeLast() }
        number = parts.count == 2 ? Int(parts[1]) : nil
        self.name = number == nil && !isExtended ? name : String(parts[0])
        self.value = value
    }

    static func joined(_ pieces: [Piece]) -> [MIMEParameter] {
        var names: [String] = []
        var groups: [String: [Piece]] = [:]
        for piece in pieces where !piece.name.isEmpty {
            if groups[piece.name] == nil { names.append(piece.name) }
            groups[piece.name, default: []].append(piece)
        }
        return names.compactMap { name in
            value(of: groups[name] ?? []).map { MIMEParameter(name: name, value: $0) }
        }
    }

    /// The encoded form where there is one that can be read (RFC 6266 §4.3), then the pieces in
    /// order, then the first plain one.
    private static func value(of pieces: [Piece]) -> String? {
        if let whole = pieces.first(where: { $0.number == nil && $0.isExtended }),
            let text = text(of: [whole])
        {
            return text
        }
        let numbered = pieces.filter { $0.number != nil }.sorted {
            ($0.number ?? 0) < ($1.number ?? 0)
        }
        if !numbered.isEmpty { return text(of: numbered) }
        return pieces.first { !$0.isExtended }.flatMap { text(of: [$0]) }
    }

    /// `charset'language'percent-encoded` where the first piece is extended (§4). Nil for a charset
    /// that is not known, and for what is no text of it or holds a NUL.
    private static func text(of pieces: [Piece]) -> String? {
        var octets: [UInt8] = []
        var charset: Charset? = .utf8
        for (index, piece) in pieces.enumerated() {
            var value = piece.value[...]
            if index == 0, piece.isExtended, let mark = value.firstIndex(of: UInt8(ascii: "'")),
                let second = value[(mark + 1)...].firstIndex(of: UInt8(ascii: "'"))
            {
                charset = Charset(named: String(decoding: value[..<mark], as: UTF8.self))
                value = value[(second + 1)...]
            }
            octets += piece.isExtended ? percentDecoded(value) : Array(value)
        }
        return octets.contains(0) ? nil : charset?.text(of: octets)
    }

    private static func percentDecoded(_ text: ArraySlice<UInt8>) -> [UInt8] {
        var octets: [UInt8] = []
        var index = text.startIndex
        while index < text.endIndex {
            if text[index] == UInt8(ascii: "%"), index + 2 < text.endIndex,
                let high = text[index + 1].hexValue, let low = text[index + 2].hexValue
            {
                octets.append(high << 4 | low)
                index += 3
            } else {
                octets.append(text[index])
                index += 1
            }
        }
        return octets
    }
}
