extension Mailbox {
    /// `local@domain` as RFC 5321 §4.1.2 and RFC 6531 §3.3 write it, with nothing around it.
    package init(parsing text: some StringProtocol) throws(AddressError) {
        let text = String(text)
        try self.init(parsing: text.utf8.span)
    }

    package init(parsing text: Span<UInt8>) throws(AddressError) {
        guard !text.isEmpty else { throw AddressError("the address is empty") }
        let (localPart, end) = try LocalPart.read(text)
        guard end < text.count else {
            throw AddressError("the address has no @ and no domain")
        }
        guard text[end] == .at else { throw LocalPart.refusal(of: text[end], in: text) }
        self.init(localPart: localPart, domain: try Domain.read(text, from: end + 1))
    }

    /// A domain in its canonical form: lower case and A-labels, or `[192.0.2.1]`, or `[IPv6:…]`.
    package static func domain(parsing text: some StringProtocol) throws(AddressError) -> String {
        let text = String(text)
        return try Domain.read(text.utf8.span, from: 0)
    }

    package static func domain(parsing text: Span<UInt8>) throws(AddressError) -> String {
        try Domain.read(text, from: 0)
    }
}

extension Mailbox: CustomStringConvertible {
    /// `local@domain`, the local part quoted where it must be. Parsing it gives an equal mailbox.
    package var description: String {
        LocalPart.isDotString(localPart)
            ? localPart + "@" + domain : LocalPart.quoted(localPart) + "@" + domain
    }

    /// True when only a server with SMTPUTF8 can carry it: the domain is ASCII always.
    package var needsSMTPUTF8: Bool {
        !localPart.utf8.allSatisfy { $0 < 128 }
    }
}

extension ReversePath: CustomStringConvertible {
    /// Without brackets: empty for the null path.
    package var description: String {
        switch self {
        case .null: ""
        case .mailbox(let mailbox): mailbox.description
        }
    }

    package var mailbox: Mailbox? {
        switch self {
        case .null: nil
        case .mailbox(let mailbox): mailbox
        }
    }
}

/// The part before the `@`: a dot-string or a quoted string (RFC 5321 §4.1.2), with UTF-8 wherever
/// a letter may stand (RFC 6531 §3.3).
enum LocalPart {
    /// RFC 5321 §4.5.3.1.1, of the text without its quotes.
    static let limit = 64

    /// The text without quotes and the index after it.
    static func read(_ text: Span<UInt8>) throws(AddressError) -> (String, Int) {
        if text[0] == .quote { return try readQuoted(text) }
        var end = 0
        var isAfterDot = true
        while end < text.count {
            let byte = text[end]
            if byte == .dot {
                guard !isAfterDot else { break }
                isAfterDot = true
            } else {
                guard ByteSet.atext.contains(byte) || byte >= 128 else { break }
                isAfterDot = false
            }
            end += 1
        }
        if isAfterDot { throw emptyAtom(in: text, at: end) }
        guard end <= limit else { throw tooLong }
        return (try string(text.extracting(0..<end)), end)
    }

    private static func readQuoted(_ text: Span<UInt8>) throws(AddressError) -> (String, Int) {
        var content: [UInt8] = []
        var index = 1
        while index < text.count, text[index] != .quote {
            if text[index] == .backslash { index += 1 }
            guard index < text.count, !text[index].isControl else {
                throw AddressError("the quoted local part holds a control character")
            }
            content.append(text[index])
            index += 1
        }
        guard index < text.count else { throw AddressError("the quoted local part does not end") }
        guard !content.isEmpty else { throw AddressError("the local part is empty") }
        guard content.count <= limit else { throw tooLong }
        return (try string(content.span), index + 1)
    }

    private static func string(_ octets: Span<UInt8>) throws(AddressError) -> String {
        do {
            return String(copying: try UTF8Span(validating: octets))
        } catch {
            throw AddressError("the local part is not valid UTF-8")
        }
    }

    private static let tooLong = AddressError("the local part is longer than \(limit) octets")

    private static func emptyAtom(in text: Span<UInt8>, at index: Int) -> AddressError {
        if index == text.count || text[index] == .at || text[index] == .dot {
            return index == 0 && (text.count == 1 || text[0] == .at)
                ? AddressError("the address has no local part before the @")
                : AddressError("the local part begins or ends with a dot, or has two in a row")
        }
        return refusal(of: text[index], in: text)
    }

    static func refusal(of byte: UInt8, in text: Span<UInt8>) -> AddressError {
        if byte == .dot {
            return AddressError("the local part begins or ends with a dot, or has two in a row")
        }
        if byte.isControl {
            return AddressError("the address holds a control character")
        }
        let shown = byte == .space ? "a space" : "the character \(Character(Unicode.Scalar(byte)))"
        for index in text.indices where text[index] == .at {
            return AddressError("the local part holds \(shown) outside quotes")
        }
        return AddressError("the address holds \(shown) and no @")
    }

    /// Whether it may stand without quotes.
    static func isDotString(_ text: String) -> Bool {
        var isAfterDot = true
        for byte in text.utf8 {
            if byte == .dot {
                if isAfterDot { return false }
                isAfterDot = true
            } else {
                guard ByteSet.atext.contains(byte) || byte >= 128 else { return false }
                isAfterDot = false
            }
        }
        return !isAfterDot
    }

    static func quoted(_ text: String) -> String {
        var quoted: [UInt8] = [.quote]
        for byte in text.utf8 {
            if byte == .quote || byte == .backslash { quoted.append(.backslash) }
            quoted.append(byte)
        }
        quoted.append(.quote)
        return String(octets: quoted.span)
    }
}
