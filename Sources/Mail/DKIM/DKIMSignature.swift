import Crypto

/// One DKIM-Signature field (RFC 6376 §3.5), its lines folded.
struct DKIMSignature {
    static let name = "DKIM-Signature"
    let field: HeaderField

    init(
        _ key: DKIMKey,
        over header: HeaderBlock,
        bodyHash: [UInt8],
        at now: Timestamp
    ) throws(CryptoError) {
        let names = Self.signedNames(in: header)
        var line: [UInt8] = []
        var folded = FoldedLine(Self.name, into: &line)
        for tag in [
            "v=1;", "a=\(key.algorithm);", "c=relaxed/relaxed;", "d=\(key.domain);",
            "s=\(key.selector);", "t=\(now.milliseconds / 1000);",
        ] {
            folded.write(tag, into: &line)
        }
        for (index, name) in names.enumerated() {
            let isLast = index == names.count - 1
            folded.write((index == 0 ? "h=" : "") + name + (isLast ? ";" : ":"), into: &line)
        }
        folded.write("bh=\(Base64Encoder.encode(bodyHash.span));", into: &line)
        folded.write("b=", into: &line)
        let blank = HeaderField(name: Self.name, body: Self.body(line))
        let signature = try key.sign(Self.canonical(header, names, blank))
        let text = Array(Base64Encoder.encode(signature.span).utf8)
        for start in stride(from: 0, to: text.count, by: 72) {
            line += Array("\r\n ".utf8) + text[start..<min(start + 72, text.count)]
        }
        field = HeaderField(name: Self.name, body: Self.body(line))
    }

    private static func body(_ line: [UInt8]) -> [UInt8] {
        Array(line.dropFirst(name.utf8.count + 1))
    }

    /// What §5.4.1 names, as often as it is there; of what must not be added behind our back one more
    /// than there is (§8.15).
    static func signedNames(in header: HeaderBlock) -> [String] {
        let counts = Dictionary(
            header.fields.map { ($0.name.lowercased(), 1) },
            uniquingKeysWith: +
        )
        return signed.flatMap { name in
            let count = (counts[name] ?? 0) + (sealed.contains(name) ? 1 : 0)
            return Array(repeating: name, count: count)
        }
    }

    private static let signed = [
        "from", "to", "cc", "subject", "date", "reply-to", "sender", "message-id", "in-reply-to",
        "references", "mime-version", "content-type", "content-transfer-encoding", "content-id",
        "content-description", "resent-from", "resent-to", "resent-cc", "resent-date",
        "resent-message-id", "list-id", "list-help", "list-unsubscribe", "list-unsubscribe-post",
        "list-subscribe", "list-post", "list-owner", "list-archive",
    ]
    private static let sealed: Set = ["from", "to", "cc", "subject", "date", "reply-to"]

    /// What is signed (§3.7): the fields, of several of one name the lowest first, then the signature's
    /// own field as it is without its signature.
    static func canonical(
        _ header: HeaderBlock,
        _ names: [String],
        _ own: HeaderField
    ) -> [UInt8] {
        var left = Dictionary(grouping: header.fields) { $0.name.lowercased() }
        var output: [UInt8] = []
        for name in names {
            guard let field = left[name]?.popLast() else { continue }
            output += field.relaxed
            output.append("\r\n")
        }
        return output + own.relaxed
    }
}
