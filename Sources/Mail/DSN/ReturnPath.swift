import Crypto

/// An address of our own for reports to come back to, one for each mail (VERP): `bounce+*@corp.example`
/// with the mail's id and a MAC in place of the star, so that nobody else can speak about it.
package struct ReturnPath: Sendable, Equatable {
    private let prefix: String
    private let suffix: String
    package let domain: String
    /// Without one no address is made or known.
    package var key: [UInt8] = []

    /// What the star becomes: two numbers of 128 bits.
    private static let starOctets = 52

    /// Throws a sentence for the operator.
    package init(pattern: String) throws(AddressError) {
        let parts = pattern.split(separator: "*", omittingEmptySubsequences: false)
        guard parts.count == 2, let at = parts[1].firstIndex(of: "@") else {
            throw AddressError("it needs one * before the @, such as bounce+*@corp.example")
        }
        let mailbox = try Mailbox(parsing: "\(parts[0])x\(parts[1])")
        prefix = parts[0].lowercased()
        suffix = parts[1][..<at].lowercased()
        domain = mailbox.domain
        guard prefix.utf8.count + suffix.utf8.count + Self.starOctets <= 64 else {
            throw AddressError("beside the * there is room for 12 octets (RFC 5321 §4.5.3.1.1)")
        }
        guard (prefix + suffix).utf8.allSatisfy({ ByteSet.atext.contains($0) || $0 == .dot }) else {
            throw AddressError("it may hold only what needs no quotes")
        }
    }

    package func address(of id: MessageID) -> Mailbox {
        let star = Self.digits(of: id) + Self.digits(of: mac(of: id))
        return Mailbox(localPart: prefix + star + suffix, domain: domain)
    }

    /// Nil for an address of another form, and where the MAC is wrong.
    package func message(of mailbox: Mailbox) -> MessageID? {
        let local = mailbox.localPart.lowercased()
        guard !key.isEmpty, mailbox.domain == domain, local.hasPrefix(prefix),
            local.hasSuffix(suffix),
            local.utf8.count == prefix.utf8.count + suffix.utf8.count + Self.starOctets
        else { return nil }
        let star = local.dropFirst(prefix.count).dropLast(suffix.count)
        guard let id = MessageID(MessageSubject.prefix + star.prefix(26)),
            let claimed = Identifier<SealSubject>(SealSubject.prefix + star.dropFirst(26)),
            constantTimeEqual(claimed.octets.span, mac(of: id).octets.span)
        else { return nil }
        return id
    }

    private static func digits<Subject>(of id: Identifier<Subject>) -> Substring {
        id.description.dropFirst(Subject.prefix.count)
    }

    /// The first half of an HMAC-SHA-256 (RFC 2104 §5).
    private func mac(of id: MessageID) -> Identifier<SealSubject> {
        let digest = keyedDigest(of: "return path \(id)")
        let halves = [0, 8].map { start in
            digest[start..<start + 8].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        }
        return Identifier(high: halves[0], low: halves[1])
    }

    /// HMAC as RFC 2104 §2 writes it; the key is shorter than a block of SHA-256.
    private func keyedDigest(of text: String) -> [UInt8] {
        let padded = key + Array(repeating: 0, count: max(0, 64 - key.count))
        let inner = SHA256.digest((padded.map { $0 ^ 0x36 } + Array(text.utf8)).span)
        return SHA256.digest((padded.map { $0 ^ 0x5c } + inner).span)
    }
}

/// A number that is written as identifiers are.
private enum SealSubject: IdentifierSubject { static let prefix = "mac_" }

extension Identifier {
    fileprivate var octets: [UInt8] {
        [high, low].flatMap { half in
            (0..<8).map { UInt8(truncatingIfNeeded: half >> (56 - 8 * $0)) }
        }
    }
}
