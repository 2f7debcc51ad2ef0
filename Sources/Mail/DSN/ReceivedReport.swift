/// What somebody else's multipart/report says (RFC 6522, RFC 3464). Only what can be acted on is read;
/// all else, and a mail that is no report, says nothing.
package struct ReceivedReport: Sendable, Equatable {
    package struct Recipient: Sendable, Equatable {
        /// `failed`, `delayed`, `delivered`, `relayed` or `expanded`, in lower case.
        package var action: String
        package var status: String
        /// As the report names it, and as it was named first; each an address alone.
        package var final: String
        package var original: String?
        /// What a server said, without its type.
        package var diagnostic: String?
        /// The host that said it.
        package var remoteHost: String?
    }

    package let recipients: [Recipient]

    /// The whole mail or its beginning; nil where it is no report about a delivery.
    package init?(header: HeaderBlock, body: [UInt8]) {
        guard let type = header.first("Content-Type").flatMap({ MediaType(parsing: $0.text) }),
            type.essence == "multipart/report",
            type.parameter("report-type")?.lowercased() == "delivery-status",
            let boundary = type.parameter("boundary"), !boundary.isEmpty,
            let status = Self.statusPart(of: body, boundary)
        else { return nil }
        recipients = Self.blocks(of: status).dropFirst().compactMap(Self.recipient)
        guard !recipients.isEmpty else { return nil }
    }

    /// The lines of the part that programs read.
    private static func statusPart(of body: [UInt8], _ boundary: String) -> ArraySlice<UInt8>? {
        var part: Range<Int>?
        let delimiter = Array("--\(boundary)".utf8)
        for line in lines(of: body[...]) {
            guard body[line].starts(with: delimiter) else { continue }
            if let part, let found = status(in: body[part.lowerBound..<line.lowerBound]) {
                return found
            }
            part = line.upperBound..<body.count
        }
        return part.flatMap { status(in: body[$0]) }
    }

    private static func status(in part: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard let empty = lines(of: part).first(where: { isBlank(part[$0]) }) else { return nil }
        let head = Array(part[..<empty.lowerBound])
        let header = HeaderBlock(parsing: head.span)
        let type = header.first("Content-Type").flatMap { MediaType(parsing: $0.text) }?.essence
        guard ["message/delivery-status", "message/global-delivery-status"].contains(type) else {
            return nil
        }
        let encoding = header.first("Content-Transfer-Encoding")?.text.lowercased()
        return decoded(part[empty.upperBound...], from: encoding)
    }

    /// It should not be encoded (RFC 3464 §2.1), but some systems do that; one for UTF-8 may be (RFC 6533
    /// §3). Nil where it cannot be read.
    private static func decoded(
        _ octets: ArraySlice<UInt8>,
        from encoding: String?
    ) -> ArraySlice<UInt8>? {
        switch encoding {
        case "base64":
            // What stands between the part and its delimiter is blank.
            guard let plain = try? Base64Decoder.decode(Array(octets).span) else { return nil }
            return plain[...]
        case "quoted-printable": return QuotedPrintable.decode(octets)[...]
        default: return octets
        }
    }

    /// Groups of fields, parted by empty lines; the first speaks of the mail.
    private static func blocks(of status: ArraySlice<UInt8>) -> [HeaderBlock] {
        var blocks: [HeaderBlock] = []
        var start = status.startIndex
        for line in lines(of: status) + [status.endIndex..<status.endIndex]
        where isBlank(status[line]) {
            if start < line.lowerBound {
                let fields = Array(status[start..<line.lowerBound])
                blocks.append(HeaderBlock(parsing: fields.span))
            }
            start = line.upperBound
        }
        return blocks.filter { !$0.fields.isEmpty }
    }

    private static func recipient(_ block: HeaderBlock) -> Recipient? {
        guard let action = block.first("Action")?.text.lowercased(),
            let final = block.first("Final-Recipient").flatMap({ value(of: $0.text) })
        else { return nil }
        let status = block.first("Status")?.text.split(separator: " ").first
        return Recipient(
            action: action.split(whereSeparator: { " (".contains($0) }).first.map { String($0) }
                ?? "",
            status: status.map { String($0) } ?? "",
            final: StatusAddress.unescaped(final),
            original: block.first("Original-Recipient").flatMap { value(of: $0.text) }
                .map { StatusAddress.unescaped($0) },
            diagnostic: block.first("Diagnostic-Code").map { value(of: $0.text) ?? $0.text },
            remoteHost: block.first("Remote-MTA").flatMap { value(of: $0.text) }
        )
    }

    /// What stands behind the type: `rfc822; anna@corp.example`.
    private static func value(of field: String) -> String? {
        guard let mark = field.firstIndex(of: ";") else { return nil }
        let text = field[field.index(after: mark)...].drop { $0 == " " || $0 == "\t" }
        let bare = text.hasPrefix("<") && text.hasSuffix(">") ? text.dropFirst().dropLast() : text
        return String(bare)
    }

    private static func isBlank(_ line: ArraySlice<UInt8>) -> Bool {
        line.allSatisfy { $0.isBlank || $0 == .carriageReturn || $0 == .lineFeed }
    }

    /// Each with its line end.
    private static func lines(of octets: ArraySlice<UInt8>) -> [Range<Int>] {
        var lines: [Range<Int>] = []
        var start = octets.startIndex
        for index in octets.indices where octets[index] == .lineFeed {
            lines.append(start..<index + 1)
            start = index + 1
        }
        if start < octets.endIndex { lines.append(start..<octets.endIndex) }
        return lines
    }
}

extension ReceivedReport.Recipient {
    /// The reply that a diagnostic quotes: `550 5.1.1 User unknown`.
    package var reply: (code: Int, text: String) {
        guard let diagnostic else { return (0, "reported as \(action)") }
        let digits = diagnostic.prefix(3)
        guard digits.utf8.count == 3, let code = Int(digits), 200...599 ~= code else {
            return (0, diagnostic)
        }
        var rest = diagnostic.dropFirst(3).drop { $0 == " " || $0 == "-" }
        if !status.isEmpty, rest.hasPrefix(status) { rest = rest.dropFirst(status.count) }
        return (code, String(rest.drop { $0 == " " }))
    }

    /// Whether it speaks of that mailbox.
    package func concerns(_ mailbox: Mailbox) -> Bool {
        let address = mailbox.description.lowercased()
        return final.lowercased() == address || original?.lowercased() == address
    }
}
