import Mail
import Store

extension ContentFeed {
    /// The same mail, come from another address. A header section of absurd size goes as it is.
    func rewritten(by rewrite: SenderRewrite) -> ContentFeed {
        var splitter = HeaderSplitter(limit: 1 << 20)
        var isThrough = false
        let next = next
        return ContentFeed { () async throws(StoreError) in
            if isThrough { return try await next() }
            isThrough = true
            var taken: [UInt8] = []
            while let piece = try await next() {
                taken += piece
                if let body = splitter.receive(piece.span) {
                    let rest = splitter.bodyPrefix + piece[body...]
                    return rewrite.header(splitter.header) + rest
                }
                if splitter.isOversize { return taken }
            }
            splitter.finish()
            return rewrite.header(splitter.header) + splitter.bodyPrefix
        }
    }
}

extension SenderRewrite {
    /// With the empty line that ends it.
    fileprivate func header(_ octets: [UInt8]) -> [UInt8] {
        var block = HeaderBlock(parsing: octets.span)
        apply(to: &block)
        return block.octets + Array("\r\n".utf8)
    }
}

extension Errand {
    /// What the new fields may add to the size that is declared.
    private static let allowance = 1024

    /// The same with another sender in its envelope.
    func rewritten(by rewrite: SenderRewrite) -> Errand {
        let recipients = recipients.map { recipient in
            var entry = recipient.entry
            entry.sender = rewrite.envelope(entry.sender)
            entry.octets += Self.allowance
            return recipient.with(entry)
        }
        return Errand(recipients: recipients, fresh: fresh)
    }
}
