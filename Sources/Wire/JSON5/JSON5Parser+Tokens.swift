/// Strings (spec.json5.org §5).
extension JSON5Parser {
    mutating func string() throws(JSON5Error) -> String {
        let start = cursor.place
        let quote = cursor.advance()
        var text = String.UnicodeScalarView()
        while let scalar = cursor.peek {
            if scalar == quote {
                cursor.advance()
                return String(text)
            }
            if scalar == "\n" || scalar == "\r" { break }
            let place = cursor.place
            cursor.advance()
            if scalar != "\\" {
                text.append(scalar)
            } else if let escaped = try escape(from: place) {
                text.append(escaped)
            }
        }
        throw cursor.error(
            "the string is not closed on its line",
            cure: "close it with \(quote ?? "\""), or end the line with a backslash to go on",
            at: start
        )
    }

    /// Nil for a line continuation.
    private mutating func escape(from place: JSON5Cursor.Place) throws(JSON5Error) -> Unicode
        .Scalar?
    {
        guard let scalar = cursor.advance() else { return nil }
        switch scalar {
        case "b": return "\u{8}"
        case "f": return "\u{c}"
        case "n": return "\n"
        case "r": return "\r"
        case "t": return "\t"
        case "v": return "\u{b}"
        case "x": return Unicode.Scalar(try hexadecimal(2, from: place))
        case "u": return try unicodeEscape(from: place)
        case "\r":
            _ = cursor.skip("\n")
            return nil
        case "\n", "\u{2028}", "\u{2029}": return nil
        case "0" where !isDigit(cursor.peek): return "\0"
        case "0"..."9":
            throw cursor.error("octal escapes are not JSON5", cure: "write \\xHH", at: place)
        default: return scalar
        }
    }

    /// Behind `\u`: four digits, and the other half when they are half of a surrogate pair.
    mutating func unicodeEscape(from place: JSON5Cursor.Place) throws(JSON5Error) -> Unicode.Scalar
    {
        let first = try hexadecimal(4, from: place)
        if let scalar = Unicode.Scalar(first) { return scalar }
        if first < 0xdc00, cursor.skip("\\"), cursor.skip("u") {
            let second = try hexadecimal(4, from: place)
            if 0xdc00...0xdfff ~= second,
                let scalar = Unicode.Scalar(0x10000 + (first - 0xd800) << 10 + (second - 0xdc00))
            {
                return scalar
            }
        }
        throw cursor.error(
            "half of a surrogate pair stands alone",
            cure: "write the character itself, or both halves",
            at: place
        )
    }

    private mutating func hexadecimal(
        _ count: Int,
        from place: JSON5Cursor.Place
    ) throws(JSON5Error) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<count {
            guard let digit = hexDigit(cursor.peek) else {
                throw cursor.error(
                    "the escape needs \(count) hexadecimal digits",
                    cure: "double the backslash if it is meant as one",
                    at: place
                )
            }
            cursor.advance()
            value = value << 4 | digit
        }
        return value
    }
}

/// Numbers (spec.json5.org §6).
extension JSON5Parser {
    mutating func number() throws(JSON5Error) -> JSON5Number {
        let start = cursor.place
        let word = cursor.word
        var sign = ""
        if cursor.peek == "+" || cursor.peek == "-" {
            sign = cursor.advance() == "-" ? "-" : ""
        }
        let number =
            if cursor.peek == "0", cursor.peekNext == "x" || cursor.peekNext == "X" {
                hexadecimalNumber(sign, word)
            } else if isDigit(cursor.peek) || cursor.peek == "." {
                decimalNumber(sign, word)
            } else {
                namedNumber(sign, word)
            }
        guard let number, cursor.peek.map(\.isJSON5NamePart) != true, cursor.peek != "." else {
            throw cursor.error(
                "\(word) is not a number",
                cure: "put it in quotes if it is a text, as \"\(word)\"",
                at: start
            )
        }
        return number
    }

    private mutating func namedNumber(_ sign: String, _ word: String) -> JSON5Number? {
        let name = digits { $0.isJSON5NamePart }
        if name == "NaN" { return JSON5Number(text: word, int: nil, double: .nan) }
        guard name == "Infinity" else { return nil }
        return JSON5Number(text: word, int: nil, double: sign == "-" ? -.infinity : .infinity)
    }

    private mutating func hexadecimalNumber(_ sign: String, _ word: String) -> JSON5Number? {
        cursor.advance()
        cursor.advance()
        let digits = digits { hexDigit($0) != nil }
        guard !digits.isEmpty else { return nil }
        let double = Double(sign + "0x" + digits) ?? .infinity
        return JSON5Number(text: word, int: Int(sign + digits, radix: 16), double: double)
    }

    private mutating func decimalNumber(_ sign: String, _ word: String) -> JSON5Number? {
        let whole = digits(isDigit)
        // No leading zeros: they once meant octal.
        if whole.utf8.count > 1, whole.hasPrefix("0") { return nil }
        let fraction = cursor.skip(".") ? digits(isDigit) : ""
        guard !whole.isEmpty || !fraction.isEmpty else { return nil }
        var text = sign + (whole.isEmpty ? "0" : whole)
        if !fraction.isEmpty { text += "." + fraction }
        if cursor.peek == "e" || cursor.peek == "E" {
            cursor.advance()
            var exponent = ""
            if cursor.peek == "+" || cursor.peek == "-" {
                exponent = cursor.advance() == "-" ? "-" : "+"
            }
            let power = digits(isDigit)
            guard !power.isEmpty else { return nil }
            text += "e" + exponent + power
        }
        guard let number = JSONNumber(text) else { return nil }
        return JSON5Number(text: word, int: number.int, double: Double(text) ?? .infinity)
    }

    private mutating func digits(_ isPart: (Unicode.Scalar) -> Bool) -> String {
        var digits = String.UnicodeScalarView()
        while let scalar = cursor.peek, isPart(scalar) {
            digits.append(scalar)
            cursor.advance()
        }
        return String(digits)
    }
}

private func isDigit(_ scalar: Unicode.Scalar?) -> Bool {
    scalar.map { ("0"..."9").contains($0) } ?? false
}

private func hexDigit(_ scalar: Unicode.Scalar?) -> UInt32? {
    switch scalar {
    case let digit? where ("0"..."9").contains(digit): digit.value - 48
    case let digit? where ("a"..."f").contains(digit): digit.value - 87
    case let digit? where ("A"..."F").contains(digit): digit.value - 55
    default: nil
    }
}
