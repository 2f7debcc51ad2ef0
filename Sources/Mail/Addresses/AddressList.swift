/// The addresses of a From, To, Cc or Bcc field (RFC 5322 §3.4), with groups, comments and the
/// routes of obsolete syntax (§4.4). Members of a group are given like any other address.
package enum AddressList {
    package static func parse(
        _ headerValue: some StringProtocol
    ) throws(AddressError) -> [NamedMailbox] {
        var tokens = AddressTokens(Array(headerValue.utf8))
        var addresses: [NamedMailbox] = []
        var phrase: [AddressTokens.Token] = []
        while let token = try tokens.next() {
            switch token {
            case .mark(UInt8(ascii: ",")), .mark(UInt8(ascii: ";")):
                try finish(&phrase, into: &addresses)
            case .mark(.colon):
                // The name of a group; its members follow, up to the semicolon. An address would not
                // be one, though a reader might take it for the author.
                guard !phrase.contains(where: \.holdsAt) else {
                    throw AddressError("an address stands where a group has its name")
                }
                phrase = []
            case .angle(let path):
                addresses.append(
                    NamedMailbox(name: name(of: phrase), mailbox: try mailbox(at: path))
                )
                phrase = []
                try tokens.skipToSeparator()
            default:
                phrase.append(token)
            }
        }
        try finish(&phrase, into: &addresses)
        return addresses
    }

    private static let joints: [UInt8?] = [.at, .dot]

    /// An address without brackets; nothing between separators is no address (obsolete lists).
    private static func finish(
        _ phrase: inout [AddressTokens.Token],
        into addresses: inout [NamedMailbox]
    ) throws(AddressError) {
        guard !phrase.isEmpty else { return }
        var text: [UInt8] = []
        for token in phrase {
            let source = token.source
            // Blanks may stand around dots and the @ (§4.4), but they join no two words.
            guard text.isEmpty || joints.contains(text.last) || joints.contains(source.first) else {
                throw AddressError("the address holds a space, or a name without < > after it")
            }
            text += source
        }
        addresses.append(NamedMailbox(mailbox: try Mailbox(parsing: text.span)))
        phrase = []
    }

    /// Between the angle brackets, a route such as `@a,@b:` left out.
    private static func mailbox(at path: [UInt8]) throws(AddressError) -> Mailbox {
        let path = path.trimmedBlanks
        if path.first == .at, let colon = path.firstIndex(of: .colon) {
            return try Mailbox(parsing: Array(path[(colon + 1)...]).span)
        }
        return try Mailbox(parsing: path.span)
    }

    private static func name(of phrase: [AddressTokens.Token]) -> String? {
        guard !phrase.isEmpty else { return nil }
        let octets = Array(phrase.map(\.content).joined(separator: [.space]))
        let text = Charset.utf8.text(of: octets) ?? Charset.windows1252.text(of: octets) ?? ""
        let name = UnstructuredText.clean(EncodedWord.decode(text))
        return name.isEmpty ? nil : name
    }
}
