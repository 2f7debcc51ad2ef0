/// The structure of JSON5. Strings and numbers are in their own files.
struct JSON5Parser {
    private static let maximumDepth = 64

    var cursor: JSON5Cursor
    private var depth = 0

    init(_ text: String) { cursor = JSON5Cursor(text) }

    mutating func document() throws(JSON5Error) -> JSON5Node {
        let node = try node()
        try cursor.skipBlanks()
        guard cursor.peek == nil else {
            throw cursor.error(
                "found \(here) behind the end",
                cure: "remove it, or check the brackets before it"
            )
        }
        return node
    }

    private mutating func node() throws(JSON5Error) -> JSON5Node {
        try cursor.skipBlanks()
        let place = cursor.place
        let value = try value()
        return JSON5Node(value: value, line: place.line, column: place.column)
    }

    private mutating func value() throws(JSON5Error) -> JSON5Value {
        switch cursor.peek {
        case "{": return try nested { parser throws(JSON5Error) in try parser.object() }
        case "[": return try nested { parser throws(JSON5Error) in try parser.array() }
        case "\"", "'": return .string(try string())
        case let scalar? where "+-.0123456789".unicodeScalars.contains(scalar):
            return .number(try number())
        case let scalar? where scalar.isJSON5NameStart || scalar == "\\": return try namedValue()
        default: throw missingValue
        }
    }

    private mutating func nested(
        _ read: (inout JSON5Parser) throws(JSON5Error) -> JSON5Value
    ) throws(JSON5Error) -> JSON5Value {
        guard depth < Self.maximumDepth else {
            throw cursor.error(
                "nested deeper than \(Self.maximumDepth) levels",
                cure: "make it flatter"
            )
        }
        depth += 1
        defer { depth -= 1 }
        return try read(&self)
    }

    private mutating func array() throws(JSON5Error) -> JSON5Value {
        let start = cursor.place
        cursor.advance()
        var elements: [JSON5Node] = []
        while true {
            try cursor.skipBlanks()
            if cursor.skip("]") { return .array(elements) }
            guard cursor.peek != nil else { throw unclosed("list", "]", from: start) }
            elements.append(try node())
            if try !separator(before: "]", of: "list", from: start) { return .array(elements) }
        }
    }

    private mutating func object() throws(JSON5Error) -> JSON5Value {
        let start = cursor.place
        cursor.advance()
        var members: [JSON5Member] = []
        var lines: [String: Int] = [:]
        while true {
            try cursor.skipBlanks()
            if cursor.skip("}") { return .object(members) }
            guard cursor.peek != nil else { throw unclosed("object", "}", from: start) }
            let member = try member()
            if let line = lines.updateValue(member.line, forKey: member.key) {
                throw cursor.error(
                    "the key \"\(member.key)\" stands here a second time, after line \(line)",
                    cure: "remove one of the two",
                    at: JSON5Cursor.Place(line: member.line, column: member.column)
                )
            }
            members.append(member)
            if try !separator(before: "}", of: "object", from: start) { return .object(members) }
        }
    }

    private mutating func member() throws(JSON5Error) -> JSON5Member {
        let place = cursor.place
        let key: String
        if cursor.peek == "\"" || cursor.peek == "'" {
            key = try string()
        } else {
            key = try name()
        }
        try cursor.skipBlanks()
        guard cursor.skip(":") else {
            throw cursor.error(
                "expected a colon after the key \"\(key)\", found \(here)",
                cure: "write \(key): value"
            )
        }
        return JSON5Member(key: key, line: place.line, column: place.column, node: try node())
    }

    /// True when another element may follow the comma, false at the closing bracket.
    private mutating func separator(
        before end: Unicode.Scalar,
        of what: String,
        from start: JSON5Cursor.Place
    ) throws(JSON5Error) -> Bool {
        let behind = cursor.place
        try cursor.skipBlanks()
        if cursor.skip(",") { return true }
        if cursor.skip(end) { return false }
        guard cursor.peek != nil else { throw unclosed(what, end, from: start) }
        throw cursor.error(
            "expected a comma or \(end), found \(here)",
            cure: "put a comma behind the value that ends at line \(behind.line)"
        )
    }

    /// `true`, `false`, `null`, `NaN`, `Infinity`; other words are texts without their quotes.
    private mutating func namedValue() throws(JSON5Error) -> JSON5Value {
        let place = cursor.place
        let word = try name()
        switch word {
        case "true": return .bool(true)
        case "false": return .bool(false)
        case "null": return .null
        case "NaN": return .number(JSON5Number(text: word, int: nil, double: .nan))
        case "Infinity": return .number(JSON5Number(text: word, int: nil, double: .infinity))
        default:
            throw cursor.error(
                "\(word) is not a value",
                cure: "put a text in quotes, as \"\(word)\"",
                at: place
            )
        }
    }

    /// A key without quotes: ECMAScript 5.1 §7.6, reserved words included.
    private mutating func name() throws(JSON5Error) -> String {
        var name = String.UnicodeScalarView()
        while let scalar = cursor.peek {
            let place = cursor.place
            var part = scalar
            if scalar == "\\" {
                cursor.advance()
                guard cursor.skip("u") else { throw badEscapeInName(at: place) }
                part = try unicodeEscape(from: place)
            }
            guard name.isEmpty ? part.isJSON5NameStart : part.isJSON5NamePart else {
                if scalar == "\\" { throw badEscapeInName(at: place) }
                break
            }
            if scalar != "\\" { cursor.advance() }
            name.append(part)
        }
        guard !name.isEmpty else {
            throw cursor.error("expected a key, found \(here)", cure: keyCure)
        }
        return String(name)
    }
}

/// Complaints.
extension JSON5Parser {
    private func badEscapeInName(at place: JSON5Cursor.Place) -> JSON5Error {
        cursor.error("the key has an escape that is no letter", cure: "quote the key", at: place)
    }

    private var keyCure: String {
        switch cursor.peek {
        case ",": "remove the comma"
        case "#": "begin a comment with //"
        case let scalar? where Self.curlyQuotes.contains(scalar): "use straight quotes"
        default: "write a key, in quotes unless it is a plain word"
        }
    }

    private static let curlyQuotes: [Unicode.Scalar] = [
        "\u{201c}", "\u{201d}", "\u{201e}", "\u{2018}", "\u{2019}", "\u{ab}", "\u{bb}",
    ]

    private var missingValue: JSON5Error {
        let cure =
            switch cursor.peek {
            case nil: "write a value"
            case "#": "begin a comment with //"
            case let scalar? where Self.curlyQuotes.contains(scalar): "use straight quotes"
            case ",", "}", "]", ":": "write a value before it, or remove what announces one"
            default: "write a value; a text needs quotes"
            }
        return cursor.error("expected a value, found \(here)", cure: cure)
    }

    private func unclosed(
        _ what: String,
        _ end: Unicode.Scalar,
        from start: JSON5Cursor.Place
    ) -> JSON5Error {
        cursor.error("the \(what) that begins here is not closed", cure: "add \(end)", at: start)
    }

    /// What stands at the cursor.
    private var here: String {
        guard let scalar = cursor.peek else { return "the end of the text" }
        let word = cursor.word
        if !word.isEmpty { return word }
        return scalar.properties.generalCategory == .control
            ? "the character U+" + String(scalar.value, radix: 16) : "\(scalar)"
    }
}
