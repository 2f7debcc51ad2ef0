import Mail

/// Where an escape stands that the last piece may have ended in.
enum JSONEscape: Sendable, Equatable {
    case none
    case afterBackslash
    /// `\u` and some of its four digits; `high` is the surrogate before it.
    case digits(count: Int, value: UInt32, high: UInt32?)
    /// A high surrogate, whose other half must follow (RFC 8259 §7).
    case afterHigh(UInt32)
    case afterHighBackslash(UInt32)
}

/// Strings, numbers and literals, whole or in pieces.
extension JSONMachine {
    /// A string within one piece and without escapes is made straight from its octets.
    mutating func readWholeString(
        _ bytes: Span<UInt8>,
        _ index: inout Int
    ) throws(JSONError) {
        let end = endOfPlainText(in: bytes, from: index)
        guard end < bytes.count, bytes[end] == 34 else {
            return try readString(bytes, &index, plainUpTo: end)
        }
        let run = bytes.extracting(index..<end)
        index = end + 1
        if case .stream = token {
            octets.append(run)
            return try endString()
        }
        try checkSize(run.count)
        try finishString(run)
    }

    mutating func readString(_ bytes: Span<UInt8>, _ index: inout Int) throws(JSONError) {
        guard escape == .none else { return try readEscape(bytes[index], &index) }
        try readString(bytes, &index, plainUpTo: endOfPlainText(in: bytes, from: index))
    }

    private mutating func readString(
        _ bytes: Span<UInt8>,
        _ index: inout Int,
        plainUpTo end: Int
    ) throws(JSONError) {
        octets.append(bytes.extracting(index..<end))
        index = end
        try checkSize(octets.count)
        guard end < bytes.count else { return }
        switch bytes[end] {
        case 34: try endString()
        case 92: escape = .afterBackslash
        default:
            throw error("a control character stands unescaped in a string", at: base + end)
        }
        index += 1
    }

    private func checkSize(_ size: Int) throws(JSONError) {
        if case .stream = token { return }
        guard size <= limits.maximumStringOctets else {
            let limit = limits.maximumStringOctets
            throw excess("a string or number of more than \(limit) octets")
        }
    }

    private mutating func endString() throws(JSONError) {
        if case .stream = token {
            try emitFragment(isLast: true)
            try place(.streamed(stream))
        } else {
            let whole = octets
            octets.removeAll(keepingCapacity: true)
            try finishString(whole.span)
        }
    }

    private mutating func finishString(_ content: Span<UInt8>) throws(JSONError) {
        guard let valid = try? UTF8Span(validating: content) else {
            throw error("the string is not UTF-8", at: tokenStart)
        }
        let text = String(copying: valid)
        if case .key = token {
            try placeKey(text)
        } else {
            try place(.string(text))
        }
    }
}

/// Escapes.
extension JSONMachine {
    private mutating func readEscape(_ byte: UInt8, _ index: inout Int) throws(JSONError) {
        switch escape {
        case .none: break
        case .afterBackslash:
            if byte == 117 {
                escape = .digits(count: 0, value: 0, high: nil)
            } else {
                octets.append(try plainEscape(byte, at: base + index))
                escape = .none
            }
        case .afterHigh(let high):
            guard byte == 92 else { throw loneSurrogate(at: base + index) }
            escape = .afterHighBackslash(high)
        case .afterHighBackslash(let high):
            guard byte == 117 else { throw loneSurrogate(at: base + index) }
            escape = .digits(count: 0, value: 0, high: high)
        case .digits(let count, let value, let high):
            guard let digit = Self.hexadecimal(byte) else {
                throw error("\\u needs four hexadecimal digits", at: base + index)
            }
            let value = value << 4 | digit
            if count < 3 {
                escape = .digits(count: count + 1, value: value, high: high)
            } else {
                try endEscape(value, high, at: base + index)
            }
        }
        index += 1
    }

    private mutating func endEscape(
        _ value: UInt32,
        _ high: UInt32?,
        at offset: Int
    ) throws(JSONError) {
        var code = value
        if let high {
            guard 0xdc00...0xdfff ~= value else { throw loneSurrogate(at: offset) }
            code = 0x10000 + (high - 0xd800) << 10 + (value - 0xdc00)
        } else if 0xd800...0xdbff ~= value {
            escape = .afterHigh(value)
            return
        }
        guard let scalar = Unicode.Scalar(code) else { throw loneSurrogate(at: offset) }
        octets.append(contentsOf: UTF8.encode(scalar).map(Array.init) ?? [])
        escape = .none
    }

    private func loneSurrogate(at offset: Int) -> JSONError {
        error("half of a surrogate pair stands alone", at: offset)
    }

    private func plainEscape(_ byte: UInt8, at offset: Int) throws(JSONError) -> UInt8 {
        switch byte {
        case 34, 47, 92: return byte
        case 98: return 8
        case 102: return 12
        case 110: return 10
        case 114: return 13
        case 116: return 9
        default: throw error("unknown escape \\\(Self.name(of: byte))", at: offset)
        }
    }

    private static func hexadecimal(_ byte: UInt8) -> UInt32? {
        switch byte {
        case 48...57: UInt32(byte - 48)
        case 65...70: UInt32(byte - 55)
        case 97...102: UInt32(byte - 87)
        default: nil
        }
    }
}

/// Numbers and literals.
extension JSONMachine {
    mutating func readNumber(_ bytes: Span<UInt8>, _ index: inout Int) throws(JSONError) {
        let end = endOfRun(in: bytes, from: index) { byte in
            (byte &- 48 > 9 && byte != 46 && byte != 45 && byte != 43 && byte | 32 != 101).octet
        }
        let run = bytes.extracting(index..<end)
        index = end
        try checkSize(octets.count + run.count)
        if octets.isEmpty, end < bytes.count {
            try placeNumber(run)
        } else {
            octets.append(run)
            if end < bytes.count { try endNumber() }
        }
    }

    mutating func endNumber() throws(JSONError) {
        let whole = octets
        octets.removeAll(keepingCapacity: true)
        try placeNumber(whole.span)
    }

    private mutating func placeNumber(_ octets: Span<UInt8>) throws(JSONError) {
        guard JSONNumber.isNumber(octets), let text = try? UTF8Span(validating: octets) else {
            throw error("not a number", at: tokenStart)
        }
        try place(.number(JSONNumber(checked: String(copying: text))))
    }

    mutating func readLiteral(_ bytes: Span<UInt8>, _ index: inout Int) throws(JSONError) {
        guard case .literal(let literal, var matched) = token else { return }
        let wanted = literal.rawValue.utf8.span
        while matched < wanted.count, index < bytes.count {
            guard bytes[index] == wanted[matched] else {
                throw error("expected \(literal.rawValue), found something else", at: tokenStart)
            }
            matched += 1
            index += 1
        }
        token = .literal(literal, matched: matched)
        if matched == wanted.count { try place(literal.value) }
    }
}

enum JSONLiteral: String, Sendable {
    case `true`
    case `false`
    case null

    var value: JSONValue {
        switch self {
        case .true: .bool(true)
        case .false: .bool(false)
        case .null: .null
        }
    }
}
