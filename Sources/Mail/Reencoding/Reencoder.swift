/// Writes a mail in a form that the next hop takes, part by part (RFC 2045 §6, RFC 6152 §3): the second
/// pass, fed with the same octets as the `ReencodingSurvey`. Parts that can go as they are stay as they
/// are, to the octet: a signature over them holds.
package struct Reencoder {
    private var walker: MIMEWalker<PartWriter>

    package init(_ plan: ReencodingPlan) {
        walker = MIMEWalker(PartWriter(plan))
    }

    package mutating func read(_ bytes: Span<UInt8>, into output: inout [UInt8]) {
        walker.read(bytes)
        walker.visitor.give(to: &output)
    }

    package mutating func finish(into output: inout [UInt8]) {
        walker.finish()
        walker.visitor.give(to: &output)
    }
}

private struct PartWriter: MIMEVisitor {
    private let plan: ReencodingPlan
    private var output: [UInt8] = []
    private var encoder = BodyEncoder.verbatim
    private var loose: LineBreaker
    /// The header that comes next is a mail's own, not a part's.
    private var beginsMessage = true

    init(_ plan: ReencodingPlan) {
        self.plan = plan
        loose = .loose(takes8Bit: plan.capacity.takes8BitBody)
    }

    mutating func give(to output: inout [UInt8]) {
        output += self.output
        self.output.removeAll(keepingCapacity: true)
    }

    func isOpaque(_ number: Int) -> Bool { !plan[number].isOpened }

    mutating func enter(
        _ entity: MIMEEntity,
        number: Int,
        path: [Int],
        header: [UInt8],
        end: [UInt8]
    ) {
        let facts = plan[number]
        let isMessage = beginsMessage
        beginsMessage = entity.kind == .message
        encoder = .verbatim
        loose = .loose(takes8Bit: plan.capacity.takes8BitBody)
        guard facts.holdsUnfit else {
            output += header + end
            return
        }
        var block = HeaderBlock(parsing: header.span)
        block.fit(to: plan.capacity)
        if entity.kind == .leaf { prepare(entity, facts, &block) } else { relabel(&block) }
        if isMessage, block.first("MIME-Version") == nil,
            block.first("Content-Type") != nil
                || block.first("Content-Transfer-Encoding") != nil
        {
            block.append("MIME-Version", "1.0")
        }
        output += block.octets + Array("\r\n".utf8)
    }

    mutating func read(_ body: Span<UInt8>) { encoder.encode(body, into: &output) }

    mutating func leave() { encoder.finish(into: &output) }

    mutating func skip(_ text: Span<UInt8>) { loose.write(text, into: &output) }

    mutating func separate(_ line: [UInt8], owner: Int) { output += line }

    /// A multipart or a message is not encoded itself (RFC 2045 §6.4), but named after what is in it.
    private func relabel(_ block: inout HeaderBlock) {
        let name = "Content-Transfer-Encoding"
        guard let label = block.first(name)?.text.lowercased() else { return }
        let isLow =
            label.hasPrefix("7bit") || plan.capacity.takes8BitBody && label.hasPrefix("8bit")
        guard !isLow else { return }
        block.remove(name)
        block.append(name, plan.capacity.takes8BitBody ? "8bit" : "7bit")
    }

    private mutating func prepare(
        _ entity: MIMEEntity,
        _ facts: LeafFacts,
        _ block: inout HeaderBlock
    ) {
        let isFit = facts.isFit(for: plan.capacity)
        switch entity.coding {
        case .quotedPrintable where !isFit: encoder = .mendedQuotedPrintable(.init())
        case .base64 where !isFit: encoder = .mendedBase64(.base64)
        case .identity where !isFit, .binary:
            if entity.isText, !facts.isRaw,
                TextEncoding.prefersQuotedPrintable(octets: facts.octets, codes: facts.codes)
            {
                encoder = .quotedPrintable(QuotedPrintableEncoder())
            } else {
                encoder = .base64(Base64Encoder())
            }
            label(entity, facts, &block)
        case .unknown where !isFit:
            encoder = .base64(Base64Encoder())
            block.remove("Content-Type")
            block.append("Content-Type", "application/octet-stream")
            block.remove("Content-Transfer-Encoding")
            block.append("Content-Transfer-Encoding", "base64")
        case .identity, .quotedPrintable, .base64, .unknown: break
        }
    }

    private func label(_ entity: MIMEEntity, _ facts: LeafFacts, _ block: inout HeaderBlock) {
        if !entity.hasType || entity.isBrokenComposite {
            // Nobody said what it is: RFC 2045 §5.2, and RFC 1428 §3 for the character set.
            block.remove("Content-Type")
            let charset = facts.is8Bit ? facts.isUTF8 ? "utf-8" : "unknown-8bit" : "us-ascii"
            block.append("Content-Type", "text/plain; charset=\(charset)")
        }
        block.remove("Content-Transfer-Encoding")
        let isBase64 = if case .base64 = encoder { true } else { false }
        block.append("Content-Transfer-Encoding", isBase64 ? "base64" : "quoted-printable")
    }
}
