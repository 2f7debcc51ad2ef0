package import Crypto

/// Reads a mail once, as it will be sent, and makes the fields that sign it (RFC 6376 §5): to be put
/// above all others. It holds the header section and nothing of the body.
package struct DKIMSigning: Sendable {
    private let keys: [DKIMKey]
    private let now: Timestamp
    private var splitter = HeaderSplitter(limit: .max)
    private var header: HeaderBlock?
    private var signing: [DKIMKey] = []
    private var body = RelaxedBody()
    private var digest = SHA256()

    package init(_ keys: [DKIMKey], at now: Timestamp) {
        self.keys = keys
        self.now = now
    }

    /// The header section is known and no key is for its author: nothing more need be read.
    package var isIdle: Bool { header != nil && signing.isEmpty }

    package mutating func read(_ octets: Span<UInt8>) {
        if header != nil { return readBody(octets) }
        guard let start = splitter.receive(octets) else { return }
        endHeader()
        readBody(octets.extracting(start..<octets.count))
    }

    /// The fields, each ending in CRLF; none where no key is for the author.
    package mutating func finish() throws(CryptoError) -> [UInt8] {
        if header == nil {
            splitter.finish()
            endHeader()
        }
        guard let header, !signing.isEmpty else { return [] }
        var canonical: [UInt8] = []
        body.finish(into: &canonical)
        digest.update(canonical.span)
        let hash = digest.finish()
        var fields: [UInt8] = []
        for key in signing {
            let field = try DKIMSignature(key, over: header, bodyHash: hash, at: now).field
            field.append(to: &fields)
        }
        return fields
    }

    private mutating func endHeader() {
        let (octets, rest) = (splitter.header, splitter.bodyPrefix)
        let header = HeaderBlock(parsing: octets.span)
        let authors = header.all("From").flatMap { field in
            ((try? AddressList.parse(field.text)) ?? []).map(\.mailbox.domain)
        }
        signing = keys.filter { key in authors.contains { key.signs(for: $0) } }
        self.header = header
        readBody(rest.span)
    }

    private mutating func readBody(_ octets: Span<UInt8>) {
        guard !signing.isEmpty else { return }
        var canonical: [UInt8] = []
        body.read(octets, into: &canonical)
        digest.update(canonical.span)
    }
}
