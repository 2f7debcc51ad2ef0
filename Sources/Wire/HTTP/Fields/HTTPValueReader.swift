/// Reads the small grammars that field values are made of, RFC 9110 §5.6.
struct HTTPValueReader {
    private let octets: ArraySlice<UInt8>
    private var index: Int

    init(_ octets: ArraySlice<UInt8>) {
        self.octets = octets
        index = octets.startIndex
    }

    init(_ text: some StringProtocol) { self.init([UInt8](text.utf8)[...]) }

    var isAtEnd: Bool { index == octets.endIndex }

    mutating func skipBlanks() {
        while index < octets.endIndex, HTTPOctet.isBlank(octets[index]) { index += 1 }
    }

    /// Whether the octet stood there; it is passed then.
    mutating func take(_ octet: UInt8) -> Bool {
        guard index < octets.endIndex, octets[index] == octet else { return false }
        index += 1
        return true
    }

    /// Nil, and nothing passed, when no token begins here.
    mutating func token() -> String? {
        let start = index
        while index < octets.endIndex, HTTPOctetSet.token.contains(octets[index]) { index += 1 }
        guard index > start else { return nil }
        return String(decoding: octets[start..<index], as: UTF8.self)
    }

    /// The text within quotes; nil when none begin here or they never end.
    ///
    /// A backslash escapes only a quote or another backslash: some clients send whole Windows
    /// paths as file names, and RFC 9110 §5.6.4 gives no reason to escape anything else.
    mutating func quoted() -> String? {
        guard take(HTTPOctet.quote) else { return nil }
        var text: [UInt8] = []
        while index < octets.endIndex {
            let octet = octets[index]
            index += 1
            if octet == HTTPOctet.quote { return String(decoding: text, as: UTF8.self) }
            if octet == HTTPOctet.backslash, index < octets.endIndex,
                [HTTPOctet.quote, HTTPOctet.backslash].contains(octets[index])
            {
                text.append(octets[index])
                index += 1
            } else {
                text.append(octet)
            }
        }
        return nil
    }
}
