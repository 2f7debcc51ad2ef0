extension NamedMailbox {
    /// `a@b`, or `Name <a@b>` as people type it: the name may be quoted, encoded (RFC 2047) or bare,
    /// and bare it may hold what RFC 5322 would quote.
    package init(parsing text: some StringProtocol) throws(AddressError) {
        let octets = Array(text.utf8).trimmedBlanks
        guard octets.last == UInt8(ascii: ">") else {
            try self.init(mailbox: Mailbox(parsing: octets.span))
            return
        }
        guard let open = Self.openingBracket(in: octets) else {
            throw AddressError("the address ends with > but has no <")
        }
        let mailbox = try Mailbox(parsing: octets.span.extracting(open + 1..<octets.count - 1))
        let name = try Self.displayName(Array(octets[..<open]).trimmedBlanks)
        self.init(name: name, mailbox: mailbox)
    }

    /// What someone wrote where an author belongs: with the address that `init(parsing:)` finds in it, or
    /// as the name of `sender`.
    init(mending text: String, sentBy sender: Mailbox) {
        if let named = try? NamedMailbox(parsing: text) {
            self = named
            return
        }
        let octets = Array(text.utf8).trimmedBlanks
        let name = (try? Self.displayName(octets)) ?? String(octets: octets.span)
        // Brackets and commas alone are no name.
        let isName = name.contains { $0.isLetter || $0.isNumber }
        self.init(name: isName ? name : nil, mailbox: sender)
    }

    /// As a header shows it (RFC 5322 §3.4, RFC 2047 §5), on one line.
    package var headerText: String {
        String(octets: Array(headerTokens().joined(separator: [.space])).span)
    }

    /// What may be parted by a fold.
    func headerTokens() -> [[UInt8]] {
        let address = mailbox.description
        guard let name, !name.isEmpty else { return [Array(address.utf8)] }
        return Self.phrase(UnstructuredText.clean(name))
            + [[UInt8(ascii: "<")] + Array(address.utf8) + [UInt8(ascii: ">")]]
    }

    private static let longestPlain = 60

    private static func phrase(_ name: String) -> [[UInt8]] {
        guard UnstructuredText.isPlain(name), name.utf8.count <= longestPlain else {
            return EncodedRun(in: name) { word in
                UnstructuredText.isPlain(word) && word.utf8.count <= longestPlain
                    && word.utf8.allSatisfy(ByteSet.atext.contains)
            }.tokens
        }
        let isBare = name.utf8.allSatisfy { $0 == .space || ByteSet.atext.contains($0) }
        return [Array((isBare ? name : LocalPart.quoted(name)).utf8)]
    }

    /// The first `<` that no quotes hold.
    private static func openingBracket(in octets: [UInt8]) -> Int? {
        var isQuoted = false
        var index = 0
        while index < octets.count {
            switch octets[index] {
            case .backslash where isQuoted: index += 1
            case .quote: isQuoted.toggle()
            case UInt8(ascii: "<") where !isQuoted: return index
            default: break
            }
            index += 1
        }
        // Quotes that do not pair belong to the name.
        return isQuoted ? octets.lastIndex(of: UInt8(ascii: "<")) : nil
    }

    private static func displayName(_ octets: [UInt8]) throws(AddressError) -> String? {
        guard !octets.contains(where: { $0.isControl && $0 != .tab }) else {
            throw AddressError("the name holds a control character")
        }
        guard let text = Charset.utf8.text(of: octets) else {
            throw AddressError("the name is not valid UTF-8")
        }
        guard octets.count >= 2, octets.first == .quote, octets.last == .quote else {
            return octets.isEmpty ? nil : EncodedWord.decode(text)
        }
        var name: [UInt8] = []
        var isEscaped = false
        for octet in octets.dropFirst().dropLast() {
            if octet == .backslash, !isEscaped {
                isEscaped = true
            } else {
                name.append(octet)
                isEscaped = false
            }
        }
        return name.isEmpty ? nil : EncodedWord.decode(String(octets: name.span))
    }
}

extension NamedMailbox: CustomStringConvertible {
    /// For human eyes, not for a header: nothing is encoded.
    package var description: String {
        guard let name else { return mailbox.description }
        let isBare = name.utf8.allSatisfy {
            $0 == .space || $0 >= 128 || ByteSet.atext.contains($0)
        }
        return (isBare ? name : LocalPart.quoted(name)) + " <\(mailbox)>"
    }
}

extension [UInt8] {
    var trimmedBlanks: [UInt8] {
        guard let first = firstIndex(where: { !$0.isBlank }),
            let last = lastIndex(where: { !$0.isBlank })
        else { return [] }
        return first == 0 && last == count - 1 ? self : Array(self[first...last])
    }

    /// Appends an address field, or nothing for an empty list.
    mutating func appendField(_ name: String, addresses: [NamedMailbox]) {
        guard !addresses.isEmpty else { return }
        var line = FoldedLine(name, into: &self)
        for (index, address) in addresses.enumerated() {
            let isLast = index == addresses.count - 1
            guard address.name?.isEmpty == false else {
                line.write(into: &self) { output in
                    output.append(address.mailbox.description)
                    if !isLast { output.append(UInt8(ascii: ",")) }
                }
                continue
            }
            var tokens = address.headerTokens()
            if !isLast { tokens[tokens.count - 1].append(UInt8(ascii: ",")) }
            for token in tokens { line.write(token, into: &self) }
        }
        line.end(into: &self)
    }
}
