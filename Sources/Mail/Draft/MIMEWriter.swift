/// Writes a tree of parts: header fields of each, its content encoded, boundaries between.
struct MIMEWriter {
    /// What is written and not yet a segment; the mail's own header goes here first.
    var octets: [UInt8] = []
    private var finished: [Draft.Segment] = []
    private let seed: UInt64
    private var boundaries: UInt64 = 0

    init(seed: UInt64, room: Int) {
        self.seed = seed
        octets.reserveCapacity(room)
    }

    mutating func segments() -> [Draft.Segment] {
        flush()
        return finished
    }

    mutating func write(_ part: MIMEPart, isRoot: Bool = false) {
        switch part {
        case .text(let text, let subtype): write(text, subtype, isRoot: isRoot)
        case .attachment(let attachment): write(attachment)
        case .multipart(let subtype, let parts, let root): write(subtype, parts, root)
        }
    }

    private mutating func write(_ subtype: String, _ parts: [MIMEPart], _ root: String?) {
        let boundary = nextBoundary()
        var line = FoldedLine("Content-Type", into: &octets)
        line.write("multipart/\(subtype);", into: &octets)
        if let root { line.write("type=\"\(root)\";", into: &octets) }
        line.write("boundary=\"\(boundary)\"", into: &octets)
        line.end(into: &octets)
        // The empty line after the header is the line end before the first delimiter.
        for part in parts {
            octets.append("\r\n--\(boundary)\r\n")
            write(part)
        }
        octets.append("\r\n--\(boundary)--\r\n")
    }

    /// `=_` stands in no quoted-printable and no base64, and 7bit text is kept free of it.
    private mutating func nextBoundary() -> String {
        boundaries += 1
        let mixed = (seed ^ boundaries &* 0x9e37_79b9_7f4a_7c15) &* 0xbf58_476d_1ce4_e5b9
        return TextEncoding.boundaryMark + String(mixed, radix: 36) + "." + String(boundaries)
    }

    private mutating func write(_ text: String, _ subtype: String, isRoot: Bool) {
        let encoding = TextEncoding(for: text.utf8.span)
        let charset = encoding.isASCII ? "us-ascii" : "utf-8"
        for piece in [
            "Content-Type: text/", subtype, "; charset=", charset,
            "\r\nContent-Transfer-Encoding: ", encoding.name, "\r\n\r\n",
        ] {
            octets.append(piece)
        }
        encoding.append(text.utf8.span, to: &octets)
        // A mail ends in a line end (RFC 5321 §4.1.1.4); a part's belongs to the delimiter.
        if isRoot, octets.last != .lineFeed { octets.append("\r\n") }
    }

    private mutating func write(_ attachment: Draft.Attachment) {
        writeType(of: attachment)
        octets.append("Content-Transfer-Encoding: base64\r\n")
        writeDisposition(of: attachment)
        if let id = attachment.contentID.flatMap(Self.bareID) {
            octets.appendField("Content-ID", tokens: ["<\(id)>"])
        }
        octets.append("\r\n")
        switch attachment.content {
        case .octets(let content):
            octets.reserveCapacity(octets.count + content.count / 57 * 78 + 256)
            var encoder = Base64Encoder()
            encoder.encode(content.span, into: &octets)
            encoder.finish(into: &octets)
        case .elsewhere(let number):
            flush()
            finished.append(.elsewhere(number))
        }
    }

    private mutating func writeType(of attachment: Draft.Attachment) {
        var tokens: [String] = []
        // Messages and multiparts must not be base64 (RFC 2045 §6.4); as a file they may.
        if let type = MediaType(parsing: attachment.contentType), type.type != "message",
            type.type != "multipart", type.essence.utf8.count <= Self.longestType
        {
            tokens.append(type.essence)
            for parameter in type.parameters where Self.isKept(parameter.name) {
                tokens += ParameterText.tokens(parameter.name, parameter.value)
            }
        } else {
            tokens.append("application/octet-stream")
        }
        if let filename = attachment.filename, !filename.isEmpty {
            tokens += ParameterText.tokens("name", ParameterText.fallback(filename))
        }
        write("Content-Type", parameters: tokens)
    }

    private mutating func writeDisposition(of attachment: Draft.Attachment) {
        var tokens = [attachment.disposition.rawValue]
        if let filename = attachment.filename, !filename.isEmpty {
            tokens += ParameterText.tokens("filename", filename)
        }
        write("Content-Disposition", parameters: tokens)
    }

    /// RFC 6838 §4.2 allows 127 for each half; no line may pass 998.
    private static let longestType = 255

    /// The gateway writes the name itself, and a file has no boundary.
    private static func isKept(_ parameter: String) -> Bool {
        parameter != "name" && parameter != "boundary" && parameter.utf8.count <= 64
    }

    private mutating func write(_ name: String, parameters tokens: [String]) {
        var line = FoldedLine(name, into: &octets)
        for (index, token) in tokens.enumerated() {
            line.write(index == tokens.count - 1 ? token : token + ";", into: &octets)
        }
        line.end(into: &octets)
    }

    /// What may stand in angle brackets; anything else as `cid:` writes it (RFC 2392 §2).
    private static func bareID(_ text: String) -> String? {
        var id: [UInt8] = []
        for octet in text.utf8 where octet != UInt8(ascii: "<") && octet != UInt8(ascii: ">") {
            if octet > 32, octet < 127 {
                id.append(octet)
            } else {
                let digits = String(octet, radix: 16, uppercase: true)
                id.append("%" + (octet < 16 ? "0" : "") + digits)
            }
        }
        return id.isEmpty || id.count > 500 ? nil : String(octets: id.span)
    }

    private mutating func flush() {
        guard !octets.isEmpty else { return }
        finished.append(.octets(octets))
        octets = []
    }
}
