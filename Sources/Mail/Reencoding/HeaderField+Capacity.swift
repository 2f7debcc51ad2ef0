extension HeaderField {
    /// Whether it may go out as it is.
    func isFit(for capacity: ContentCapacity) -> Bool {
        var survey = ContentSurvey()
        var octets: [UInt8] = []
        append(to: &octets)
        survey.read(octets.span)
        return !survey.traits.contains(.hasLongLines)
            && (capacity.takes8BitHeader || !survey.traits.contains(.is8Bit))
    }

    /// The same in a form that may: encoded (RFC 2047, RFC 2231) where it is not ASCII and may not be
    /// raw, its lines folded. Raw octets that are not UTF-8 are read as Windows-1252.
    func fitted(to capacity: ContentCapacity) -> HeaderField {
        if isFit(for: capacity) { return self }
        if name.utf8.count > Self.longestName {
            let start = String(name.utf8.prefix(Self.longestName)) ?? ""
            return HeaderField(name: start, body: body).fitted(to: capacity)
        }
        var field = capacity.takes8BitHeader || isASCII ? self : encoded
        if field.isFit(for: capacity) { return field }
        field = field.folded(isEncoded: false)
        if field.isFit(for: capacity) { return field }
        let whole = form == .text ? HeaderField(name: name, value: decoded) : field
        return whole.isFit(for: capacity) ? whole : whole.folded(isEncoded: true)
    }

    /// A name cannot be folded; what is longer than this is nobody's.
    private static let longestName = 200

    private enum Form {
        case text
        case addresses
        case parameters
        /// Syntax in which no encoded word may stand.
        case tokens
    }

    private var form: Form {
        switch name.lowercased() {
        case "from", "sender", "reply-to", "to", "cc", "bcc", "resent-from", "resent-sender",
            "resent-to", "resent-cc", "errors-to", "disposition-notification-to":
            .addresses
        case "content-type", "content-disposition": .parameters
        case "received", "return-path", "message-id", "in-reply-to", "references", "date",
            "mime-version", "content-transfer-encoding", "content-id", "dkim-signature",
            "arc-seal", "arc-message-signature", "arc-authentication-results",
            "authentication-results", "resent-date", "resent-message-id", "list-id":
            .tokens
        default: .text
        }
    }

    private var isASCII: Bool { body.allSatisfy { $0 < 0x80 } }

    private var encoded: HeaderField {
        let field: HeaderField
        switch form {
        case .text: field = HeaderField(name: name, value: decoded)
        case .addresses: field = encodedAddresses ?? self
        case .parameters: field = encodedParameters ?? self
        case .tokens: field = self
        }
        // What has no form of its own for them: the octets are lost, the field is not.
        return field.isASCII
            ? field
            : HeaderField(name: name, body: field.body.map { $0 < 0x80 ? $0 : UInt8(ascii: "?") })
    }

    private var encodedAddresses: HeaderField? {
        guard let addresses = try? AddressList.parse(text), !addresses.isEmpty else { return nil }
        return HeaderField(name: name, addresses: addresses)
    }

    private var encodedParameters: HeaderField? {
        var reader = ParameterReader(Array(text.utf8))
        guard let word = reader.token() else { return nil }
        var tokens = [word]
        if reader.skip(UInt8(ascii: "/")) {
            guard let subtype = reader.token() else { return nil }
            tokens[0] += "/" + subtype
        }
        guard let parameters = reader.parameters() else { return nil }
        for parameter in parameters {
            tokens[tokens.count - 1] += ";"
            let pieces = ParameterText.tokens(parameter.name, parameter.value)
            tokens += pieces.dropLast().map { $0 + ";" } + pieces.suffix(1)
        }
        return HeaderField(name: name, tokens: tokens)
    }

    /// With folds where there are blanks, so that lines keep to 78 columns; within a word only when
    /// it `isEncoded` or otherwise has no better place.
    private func folded(isEncoded: Bool) -> HeaderField {
        var folder = HeaderFolder(column: name.utf8.count + 1, breaksWords: isEncoded)
        return HeaderField(name: name, body: folder.fold(body))
    }
}

/// Folds a field's body where it has blanks.
private struct HeaderFolder {
    var column: Int
    let breaksWords: Bool
    /// Nothing but blanks since the last line end: a line of blanks alone would end the header.
    private var isBlankLine = false

    init(column: Int, breaksWords: Bool) {
        self.column = column
        self.breaksWords = breaksWords
    }

    mutating func fold(_ body: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(body.count + body.count / 32)
        for index in body.indices {
            let byte = body[index]
            if byte == .lineFeed {
                column = 0
                isBlankLine = true
                output.append(byte)
                continue
            }
            let next = index + 1 < body.count ? body[index + 1] : .carriageReturn
            if byte.isBlank, !next.isBlank, next != .carriageReturn, !isBlankLine,
                column + wordLength(in: body, after: index) > FoldedLine.limit
            {
                endLine(&output)
            } else if breaksWords, column >= 900, !byte.isBlank, byte != .carriageReturn {
                endLine(&output)
                output.append(.space)
            }
            if !byte.isBlank, byte != .carriageReturn { isBlankLine = false }
            output.append(byte)
            column += 1
        }
        return output
    }

    private mutating func endLine(_ output: inout [UInt8]) {
        output.append(.carriageReturn)
        output.append(.lineFeed)
        column = 1
        isBlankLine = true
    }

    private func wordLength(in body: [UInt8], after blank: Int) -> Int {
        var end = blank + 1
        while end < body.count, end - blank < 100, !body[end].isBlank,
            body[end] != .carriageReturn
        {
            end += 1
        }
        return end - blank
    }
}

extension HeaderBlock {
    func isFit(for capacity: ContentCapacity) -> Bool {
        fields.allSatisfy { $0.isFit(for: capacity) }
    }

    mutating func fit(to capacity: ContentCapacity) {
        fields = fields.map { $0.fitted(to: capacity) }
    }
}
