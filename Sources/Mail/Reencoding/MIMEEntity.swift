/// What a header section says of the body below it (RFC 2045).
struct MIMEEntity: Sendable {
    enum Kind: Sendable, Equatable {
        case leaf
        case multipart(boundary: [UInt8], isDigest: Bool)
        /// A whole mail follows: its header comes next.
        case message
    }

    enum Coding: Sendable {
        /// 7bit, 8bit, or nothing said.
        case identity
        case binary
        case quotedPrintable
        case base64
        /// One that RFC 2045 does not know: what is in it cannot be touched.
        case unknown
    }

    /// RFC 2046 §5.1.1 allows 70; some writers do not count.
    static let longestBoundary = 250

    let kind: Kind
    let coding: Coding
    /// Nil where Content-Type is missing or cannot be read.
    let type: MediaType?
    let hasType: Bool

    /// `isDigested`: directly in a multipart/digest, where a message is the rule (RFC 2046 §5.1.5).
    init(_ header: HeaderBlock, isDigested: Bool = false, mayHold: Bool = true) {
        let field = header.first("Content-Type")
        hasType = field != nil
        type = field.flatMap { MediaType(parsing: $0.text) }
        coding = Self.coding(header.first("Content-Transfer-Encoding")?.text ?? "7bit")
        let isIdentity = coding == .identity || coding == .binary
        kind = mayHold && isIdentity ? Self.kind(type, isDigested && !hasType) : .leaf
    }

    /// The same, its body taken as one piece.
    init(asLeaf entity: MIMEEntity) {
        kind = .leaf
        coding = entity.coding
        type = entity.type
        hasType = entity.hasType
    }

    private static func kind(_ type: MediaType?, _ isMessage: Bool) -> Kind {
        guard let type else { return isMessage ? .message : .leaf }
        if type.essence == "message/rfc822" { return .message }
        guard type.type == "multipart", let boundary = type.parameter("boundary"),
            1...longestBoundary ~= boundary.utf8.count
        else { return .leaf }
        return .multipart(
            boundary: Array(boundary.utf8),
            isDigest: type.essence == "multipart/digest"
        )
    }

    private static func coding(_ text: String) -> Coding {
        let word = text.lowercased().prefix { $0 != " " && $0 != "(" && $0 != ";" && $0 != "\t" }
        switch word {
        case "7bit", "8bit", "": return .identity
        case "binary": return .binary
        case "quoted-printable": return .quotedPrintable
        case "base64": return .base64
        default: return .unknown
        }
    }

    /// A type that must not be encoded (RFC 2045 §6.4), and whose body is no structure all the same.
    var isBrokenComposite: Bool {
        kind == .leaf && (type?.type == "multipart" || type?.essence == "message/rfc822")
    }

    /// Text is for reading, and quoted-printable leaves it so.
    var isText: Bool { type == nil || type?.type == "text" || isBrokenComposite }
}
