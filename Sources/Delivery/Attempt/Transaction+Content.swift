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

    /// Each piece as one chunk (RFC 3030 §2). False when the next hop refused one.
    mutating func sendChunks(
        of content: ContentFeed,
        from start: [UInt8]?
    ) async throws(LostConversation) -> Bool {
        phase = .content
        var piece = start ?? []
        while true {
            let next = try await self.piece(of: content)
            let command = SMTPClientCommand.bdat(octets: piece.count, isLast: next == nil)
            try await conversation.send(
                command.octets + piece,
                in: .content,
                within: conversation.limits.block
            )
            guard let next else { return true }
            let answer = try await conversation.answer(
                in: .content,
                within: conversation.limits.dataStart
            )
            guard answer.code / 100 == 2 else {
                settle(by: conversation.hopReply(answer), in: .content)
                return false
            }
            piece = next
        }
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
            let fields = try await signer.fields(over: form(), isRaw: carriage.isChunked)
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
