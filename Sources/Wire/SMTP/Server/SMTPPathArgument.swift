import Mail

/// `KEYWORD` or `KEYWORD=value` behind a path.
struct SMTPParameter {
    /// In upper case.
    let keyword: String
    let value: String?
}

/// What follows MAIL or RCPT: `FROM:<path> parameters` (RFC 5321 §4.1.1.2). Blanks around the colon,
/// missing or excess brackets, a source route and a trailing dot are tolerated and taken off.
struct SMTPPathArgument {
    /// Without brackets and route.
    private let path: ArraySlice<UInt8>
    let parameters: [SMTPParameter]

    /// Nil when the keyword, the colon or the path is missing, or a parameter is not text.
    init?(_ argument: ArraySlice<UInt8>, after keyword: StaticString) {
        let name = keyword.description.utf8
        guard argument.prefix(name.count).map(\.uppercasedLetter).elementsEqual(name) else {
            return nil
        }
        let afterName = argument.dropFirst(name.count).withoutBlanks
        guard afterName.first == 58 else { return nil }
        let text = afterName.dropFirst().withoutBlanks
        guard !text.isEmpty else { return nil }
        let end = Self.endOfPath(in: text)
        guard end == text.endIndex || text[end].isBlank else { return nil }
        path = Self.bare(text[..<end])

        var parameters: [SMTPParameter] = []
        for word in text[end...].split(whereSeparator: \.isBlank) {
            guard let parameter = Self.parameter(word) else { return nil }
            parameters.append(parameter)
        }
        self.parameters = parameters
    }

    /// Behind the closing brackets, or at the first blank when there are none.
    private static func endOfPath(in text: ArraySlice<UInt8>) -> Int {
        let isBracketed = text.first == 60
        var isQuoted = false
        var index = text.startIndex
        while index < text.endIndex {
            switch text[index] {
            case 92 where isQuoted: index += 1
            case 34: isQuoted.toggle()
            case 62 where !isQuoted && isBracketed:
                return text[index...].firstIndex { $0 != 62 } ?? text.endIndex
            case 32 where !isQuoted && !isBracketed, 9 where !isQuoted && !isBracketed: return index
            default: break
            }
            index += 1
        }
        // An opening bracket that nothing closes ends like a path without brackets.
        return isBracketed
            ? text.firstIndex { $0.isBlank } ?? text.endIndex : text.endIndex
    }

    private static func bare(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var path = text.drop { $0 == 60 }
        while path.last == 62 { path = path.dropLast() }
        path = path.withoutBlanks
        // A source route names relays that nobody asks any more: RFC 5321 §4.1.2, appendix C.
        if path.first == 64, let colon = path.firstIndex(of: 58) {
            path = path[(colon + 1)...]
        }
        return path.last == 46 ? path.dropLast() : path
    }

    private static func parameter(_ word: ArraySlice<UInt8>) -> SMTPParameter? {
        let keyword = word.prefix { $0 != 61 }
        // Beyond ASCII: RFC 6531 §3.3, RFC 6533 §3.
        guard !keyword.isEmpty, keyword.allSatisfy({ 33...126 ~= $0 }),
            word.allSatisfy({ $0 > 32 && $0 != 127 }),
            let word = String(validating: word, as: UTF8.self)
        else { return nil }
        return SMTPParameter(
            keyword: String(decoding: keyword.map(\.uppercasedLetter), as: UTF8.self),
            value: word.firstIndex(of: "=").map { String(word[word.index(after: $0)...]) }
        )
    }

    /// Nil for what is no address.
    func reversePath(defaultDomain: String?) -> ReversePath? {
        if path.isEmpty { return .null }
        guard let text else { return nil }
        if let mailbox = try? Mailbox(parsing: text) { return .mailbox(mailbox) }
        guard let defaultDomain, isName else { return nil }
        return (try? Mailbox(parsing: "\(text)@\(defaultDomain)")).map(ReversePath.mailbox)
    }

    /// Nil for what is no address.
    var recipient: SMTPRecipient? {
        guard let text else { return nil }
        if let mailbox = try? Mailbox(parsing: text) { return .mailbox(mailbox) }
        guard isName, let mailbox = try? Mailbox(parsing: "\(text)@localhost.localdomain") else {
            return nil
        }
        return .name(mailbox.localPart)
    }

    private var text: String? { String(validating: path, as: UTF8.self) }

    private var isName: Bool { !path.isEmpty && !path.contains(64) }
}
