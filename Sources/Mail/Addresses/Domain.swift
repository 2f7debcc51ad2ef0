/// The part after the `@`: a name or an address literal (RFC 5321 §4.1.2, §4.1.3).
enum Domain {
    /// A name as DNS can carry it: 255 octets on the wire are 253 in text (RFC 1035 §2.3.4).
    static let limit = 253
    static let labelLimit = 63

    /// The canonical form of all from `start` on.
    static func read(_ text: Span<UInt8>, from start: Int) throws(AddressError) -> String {
        guard start < text.count else { throw AddressError("the domain is empty") }
        if text[start] == UInt8(ascii: "[") {
            return try literal(text.extracting(start..<text.count))
        }
        var hasUpperCase = false
        var label = 0
        for index in start..<text.count {
            let byte = text[index]
            if byte == .dot {
                try checkEnd(of: label, before: index, in: text)
                label = 0
                continue
            }
            if byte >= 128 { return try internationalized(text.extracting(start..<text.count)) }
            guard ByteSet.hostname.contains(byte) else { throw refusal(of: byte) }
            guard label > 0 || byte != 45 else { throw hyphen }
            hasUpperCase = hasUpperCase || byte.isUpperCase
            label += 1
            guard label <= labelLimit else { throw labelTooLong }
        }
        try checkEnd(of: label, before: text.count, in: text)
        guard text.count - start <= limit else { throw tooLong }
        let name = text.extracting(start..<text.count)
        return hasUpperCase ? lowered(name) : String(octets: name)
    }

    private static func checkEnd(
        of label: Int,
        before index: Int,
        in text: Span<UInt8>
    ) throws(AddressError) {
        guard label > 0 else {
            throw AddressError("the domain begins or ends with a dot, or has two in a row")
        }
        guard text[index - 1] != 45 else { throw hyphen }
    }

    private static func lowered(_ name: Span<UInt8>) -> String {
        let octets = [UInt8](capacity: name.count) { room in
            for index in name.indices { room.append(name[index].lowered) }
        }
        return String(octets: octets.span)
    }

    /// `[192.0.2.1]` or `[IPv6:2001:db8::1]`; no other kind was ever registered.
    private static func literal(_ text: Span<UInt8>) throws(AddressError) -> String {
        guard text.count > 2, text[text.count - 1] == UInt8(ascii: "]") else {
            throw AddressError("the address literal does not end with ]")
        }
        let content = String(octets: text.extracting(1..<text.count - 1))
        guard content.utf8.contains(.colon) else {
            guard let address = IPAddress(content) else {
                throw AddressError("[\(content)] is not an IPv4 address literal")
            }
            return "[\(address)]"
        }
        let tag = "ipv6:"
        guard content.lowercased().hasPrefix(tag) else {
            throw AddressError("an IPv6 address literal is written [IPv6:…]")
        }
        guard let address = IPAddress(String(content.dropFirst(tag.count))) else {
            throw AddressError("[\(content)] is not an IPv6 address literal")
        }
        return address.family == .v4 ? "[\(address)]" : "[IPv6:\(address)]"
    }

    private static func internationalized(_ text: Span<UInt8>) throws(AddressError) -> String {
        let name: String
        do {
            name = String(copying: try UTF8Span(validating: text))
        } catch {
            throw AddressError("the domain is not valid UTF-8")
        }
        let ascii = try InternationalName.ascii(of: name)
        // What remains to check is what any name is checked for; it is ASCII now.
        return try read(ascii.utf8.span, from: 0)
    }

    private static func refusal(of byte: UInt8) -> AddressError {
        if byte.isControl { return AddressError("the domain holds a control character") }
        let shown = byte == .space ? "a space" : "the character \(Character(Unicode.Scalar(byte)))"
        return AddressError("the domain holds \(shown)")
    }

    private static let hyphen = AddressError("a label of the domain begins or ends with a hyphen")
    private static let tooLong = AddressError("the domain is longer than \(limit) octets")
    private static let labelTooLong = AddressError(
        "a label of the domain is longer than \(labelLimit) octets"
    )
}
