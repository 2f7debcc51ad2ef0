/// A place in a text that knows its line and column.
struct JSON5Cursor: Sendable {
    struct Place: Sendable {
        var line = 1
        var column = 1
    }

    private let scalars: [Unicode.Scalar]
    private var index = 0
    private(set) var place = Place()

    init(_ text: String) { scalars = Array(text.unicodeScalars) }

    /// The scalar here; nil at the end.
    var peek: Unicode.Scalar? { index < scalars.count ? scalars[index] : nil }

    /// The scalar behind this one.
    var peekNext: Unicode.Scalar? { index + 1 < scalars.count ? scalars[index + 1] : nil }

    @discardableResult
    mutating func advance() -> Unicode.Scalar? {
        guard let scalar = peek else { return nil }
        index += 1
        if scalar.isLineEnd, scalar != "\r" || peek != "\n" {
            place.line += 1
            place.column = 1
        } else {
            place.column += 1
        }
        return scalar
    }

    /// Goes over the scalar if it is here.
    mutating func skip(_ wanted: Unicode.Scalar) -> Bool {
        guard peek == wanted else { return false }
        advance()
        return true
    }

    func error(_ reason: String, cure: String, at place: Place? = nil) -> JSON5Error {
        let place = place ?? self.place
        return JSON5Error(reason: reason, cure: cure, line: place.line, column: place.column)
    }

    /// Goes over white space and comments.
    mutating func skipBlanks() throws(JSON5Error) {
        while let scalar = peek {
            if scalar.isJSON5Blank || scalar.isLineEnd {
                advance()
            } else if scalar == "/", peekNext == "/" {
                while let scalar = peek, !scalar.isLineEnd { advance() }
            } else if scalar == "/", peekNext == "*" {
                try skipBlockComment()
            } else {
                return
            }
        }
    }

    private mutating func skipBlockComment() throws(JSON5Error) {
        let start = place
        advance()
        advance()
        while let scalar = advance() {
            if scalar == "*", skip("/") { return }
        }
        throw error("the comment is not closed", cure: "end it with */", at: start)
    }

    /// The letters, digits and signs from here on, for a message.
    var word: String {
        var word = ""
        for scalar in scalars[index...].prefix(40) {
            guard scalar.isJSON5NamePart || ".+-".unicodeScalars.contains(scalar) else { break }
            word.unicodeScalars.append(scalar)
        }
        return word
    }
}

extension Unicode.Scalar {
    /// ECMAScript 5.1 §7.3.
    var isLineEnd: Bool {
        switch self {
        case "\n", "\r", "\u{2028}", "\u{2029}": true
        default: false
        }
    }

    /// ECMAScript 5.1 §7.2.
    var isJSON5Blank: Bool {
        switch self {
        case " ", "\t", "\u{b}", "\u{c}", "\u{a0}", "\u{feff}": true
        default: !isASCII && properties.generalCategory == .spaceSeparator
        }
    }

    /// ECMAScript 5.1 §7.6.
    var isJSON5NameStart: Bool {
        if isASCII {
            return ("a"..."z").contains(self) || ("A"..."Z").contains(self) || self == "$"
                || self == "_"
        }
        return switch properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter,
            .letterNumber:
            true
        default: false
        }
    }

    var isJSON5NamePart: Bool {
        if isJSON5NameStart || ("0"..."9").contains(self) { return true }
        if self == "\u{200c}" || self == "\u{200d}" { return true }
        return switch properties.generalCategory {
        case .nonspacingMark, .spacingMark, .decimalNumber, .connectorPunctuation: true
        default: false
        }
    }
}
