import Mail
import Policy
import Store

/// What a receive connector's `rewriteSender` makes of a mail on offer.
extension Offer {
    var isRewritten: Bool { submission.client.connector.rewrite != nil }

    /// The same mail as it is kept: From, Reply-To and Sender of its header as the connector wants them.
    /// The submission stays: the rules judge who has really written, and give the approval the other
    /// sender.
    var rewritten: Offer {
        guard let rewrite = submission.client.connector.rewrite,
            case .octets(let start)? = content.first
        else { return self }
        var content = content
        content[0] = .octets(rewrite.start(ofMail: start))
        var details = details
        details.octets = content.octets
        details.noteInHeader([rewrite.address])
        return Offer(
            submission: submission,
            id: id,
            createdAt: createdAt,
            content: content,
            details: details,
            reports: reports
        )
    }
}

extension SenderRewrite {
    /// Both doors put the whole header section into the first piece.
    fileprivate func start(ofMail octets: [UInt8]) -> [UInt8] {
        var splitter = HeaderSplitter(limit: octets.count)
        let body = splitter.receive(octets.span)
        if body == nil { splitter.finish() }
        var header = HeaderBlock(parsing: splitter.header.span)
        apply(to: &header)
        let rest = body.map { octets[$0...] } ?? splitter.bodyPrefix[...]
        return header.octets + Array("\r\n".utf8) + rest
    }
}
