import Mail

/// `KEYWORD` or `KEYWORD=value` behind a path.
struct SMTPParameter {
    /// In upper case.
    let keyword: String
    let value: String?
}

/// What follows MAIL or RCPT: `FROM:<path> parameters` (RFC 5321 §4.1.1.2). Blanks around the colon, a
/// display name, missing or excess brackets, a source route and a trailing dot are tolerated and taken
/// off.
struct SMTPPathArgument {
    /// Without brackets and route.
    private let path: ArraySlice<UInt8>
    /// Brackets with nothing between them. What else leaves no address is not the null path.
    private let isNull: Bool
    let parameters: [SMTPParameter]

    /// Nil when the keyword, the colon or the path is missing, or a parameter is not text.
    init?(_ argument: ArraySlice<UInt8>, after keyword: StaticString) {
        let name = keyword.description.utf8
        guard argument.prefix(name.count).map(\.uppercasedLetter).elementsEqual(name) else {
            return nil
        }
        let afterName = argument.dropFirst(name.count).withoutBlanks
        guard afterName.first == 58 else { return nil }
        let text = Self.withoutDisplayName(afterName.dropFirst().withoutBlanks)
        guard !text.isEmpty else { return nil }
        let end = Self.endOfPath(in: text)
        guard end == text.endIndex || text[end].isBlank else { return nil }
        let inside = Self.withoutBrackets(text[..<end])
        isNull = inside.isEmpty && text.first == 60 && text[end - 1] == 62
        path = Self.bare(inside)
        // A parameter where the path should be.
        guard text.first == 60 || path.contains(64) || !path.contains(61) else { return nil }

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

    /// `Name <path>` from where the bracket opens: behind a blank or a quoted name, not within a
    /// parameter as `AUTH=<>`.
    private static func withoutDisplayName(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        guard let first = text.first, first != 60, text.contains(60) else { return text }
        var isQuoted = false
        var previous: UInt8 = 0
        for index in text.indices {
            let octet = text[index]
            if octet == 34, previous != 92 { isQuoted.toggle() }
            if octet == 60, !isQuoted, previous.isBlank || previous == 34 { return text[index...] }
            previous = octet
        }
        return text
    }

    private static func withoutBrackets(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var inside = text.drop { $0 == 60 }
        while inside.last == 62 { inside = inside.dropLast() }
        return inside.withoutBlanks
    }

    private static func bare(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var path = text
        // A source route names relays that nobody asks any more: RFC 5321 §4.1.2, appendix C.
        if path.first == 64, let colon = path.firstIndex(of: 58) {
            path = path[(colon + 1)...]
        }
        return path.last == 46 ? path.dropLast() : path
    }

    private static func parameter(_ word: ArraySlice<UInt8>) -> SMTPParameter? {
        let keyword = word.prefix { $0 != 61 }
        // The value may be beyond ASCII: RFC 6531 §3.3, RFC 6533 §3.
        guard !keyword.isEmpty, keyword.allSatisfy(\.isKeywordOctet),
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
        if isNull { return .null }
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

extension UInt8 {
    /// RFC 5321 §4.1.2, esmtp-keyword.
    fileprivate var isKeywordOctet: Bool {
        48...57 ~= self || 65...90 ~= self || 97...122 ~= self || self == 45
    }
}
