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

    func piece(of content: ContentFeed) async throws(LostConversation) -> [UInt8]? {
        do throws(StoreError) {
            return try await content.next()
        } catch {
            // In the middle of content the only way not to send half a mail is to hang up.
            if phase == .content { conversation.hangUp() }
            let reason = "the content could not be read: \(error)"
            throw LostConversation(phase: phase, reason: reason, isOwnFault: true)
        }
    }
}
