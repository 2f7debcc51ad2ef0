import Mail
import Store
import Wire

/// The content.
extension Transaction {
    /// One piece ahead, so that the last one carries the end of the data with it: a small mail is one
    /// write, and memory holds two pieces.
    mutating func send(
        _ content: ContentFeed,
        from start: [UInt8]?
    ) async throws(LostConversation) {
        phase = .content
        var stuffer = DotStuffer()
        var current = start
        while let piece = current {
            var octets: [UInt8] = []
            octets.reserveCapacity(piece.count + piece.count / 64 + 16)
            stuffer.stuff(piece.span, into: &octets)
            current = try await self.piece(of: content)
            if current == nil { stuffer.finish(into: &octets) }
            try await conversation.send(octets, in: .content, within: conversation.limits.block)
        }
        if start == nil {
            var end: [UInt8] = []
            stuffer.finish(into: &end)
            try await conversation.send(end, in: .content, within: conversation.limits.block)
        }
    }

    /// Each piece as one chunk (RFC 3030 §2); its answer is not awaited before the next one, where the
    /// next hop allows that. False when it refused one.
    mutating func sendChunks(
        of content: ContentFeed,
        from start: [UInt8]?
    ) async throws(LostConversation) -> Bool {
        phase = .content
        let ahead = conversation.capabilities.pipelining ? Self.chunksAhead : 0
        var writer = ChunkWriter(isRaw: carriage.isRaw)
        var piece = start ?? []
        var unanswered = 0
        while true {
            let next = try await self.piece(of: content)
            let chunk = writer.chunk(piece, isLast: next == nil)
            try await conversation.send(chunk, in: .content, within: conversation.limits.block)
            guard let next else { break }
            piece = next
            unanswered += 1
            while unanswered > ahead {
                guard try await isChunkTaken(before: &unanswered) else { return false }
            }
        }
        // From here on the next hop may have the mail, whatever comes between.
        phase = .afterContent
        while unanswered > 0 {
            guard try await isChunkTaken(before: &unanswered) else { return false }
        }
        return true
    }

    /// So many that neither side's answers fill a buffer.
    private static let chunksAhead = 8

    private mutating func isChunkTaken(before unanswered: inout Int) async throws(LostConversation)
        -> Bool
    {
        unanswered -= 1
        let limits = conversation.limits
        let limit = phase == .afterContent ? limits.afterContent : limits.dataStart
        let answer = try await conversation.answer(in: phase, within: limit)
        guard answer.code / 100 != 2 else { return true }
        settle(by: conversation.hopReply(answer), in: .content)
        // What was sent ahead is refused, too: each chunk has its answer, and so has the last one.
        if phase == .afterContent { unanswered += 1 }
        while unanswered > 0, conversation.isOpen {
            unanswered -= 1
            _ = try await conversation.answer(in: .content, within: limit)
        }
        return false
    }

    /// The content in the form in which it goes out, signed where the route signs: last, when all
    /// else is done to it.
    mutating func feed(
        from content: () -> ContentFeed
    ) async throws(LostConversation) -> ContentFeed {
        do throws(StoreError) {
            var plan: ReencodingPlan?
            if carriage.needsReencoding {
                plan = try await ContentFeed.plan(of: content(), for: carriage.capacity)
            }
            func form() -> ContentFeed {
                if let plan { content().reencoded(by: plan) } else { content() }
            }
            guard let signer = conversation.signer else { return form() }
            let fields = try await signer.fields(over: form(), isRaw: carriage.isRaw)
            carriage.added += fields.count
            return form().preceded(by: fields)
        } catch {
            throw unreadable(error)
        }
    }

    func piece(of content: ContentFeed) async throws(LostConversation) -> [UInt8]? {
        do throws(StoreError) {
            return try await content.next()
        } catch {
            throw unreadable(error)
        }
    }

    private func unreadable(_ error: StoreError) -> LostConversation {
        // In the middle of content the only way not to send half a mail is to hang up.
        if phase == .content { conversation.hangUp() }
        let reason = "the content could not be read: \(error)"
        return LostConversation(phase: phase, reason: reason, isOwnFault: true)
    }
}

/// Writes pieces of content as chunks, each with its command.
private struct ChunkWriter {
    /// Binary content: octet for octet.
    let isRaw: Bool
    private var lines = LineEndings()
    private var isInLine = false

    init(isRaw: Bool) { self.isRaw = isRaw }

    /// What is not binary has the lines of a mail, whoever wrote it.
    mutating func chunk(_ piece: [UInt8], isLast: Bool) -> [UInt8] {
        var octets = piece
        if !isRaw {
            octets = []
            lines.normalise(piece.span, into: &octets)
            if let last = octets.last { isInLine = last != UInt8(ascii: "\n") }
            if isLast, isInLine { octets += Array("\r\n".utf8) }
        }
        return SMTPClientCommand.bdat(octets: octets.count, isLast: isLast).octets + octets
    }
}
