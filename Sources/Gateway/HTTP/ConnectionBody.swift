import Wire

/// A body as it comes off the connection, with `Expect: 100-continue` answered when someone reads.
final class ConnectionBody: RequestBody {
    private unowned let conversation: HTTPConversation
    private var awaitsContinue: Bool
    private var isFinished: Bool

    init(_ conversation: HTTPConversation, _ head: HTTPRequestHead) {
        self.conversation = conversation
        awaitsContinue = head.expectsContinue
        isFinished = head.framing == .none
    }

    func next() async throws(Problem) -> [UInt8]? {
        guard !isFinished else { return nil }
        if awaitsContinue {
            awaitsContinue = false
            if !conversation.hasBufferedOctets { try await conversation.sendContinue() }
        }
        let piece = try await conversation.nextBodyPiece()
        isFinished = piece == nil
        return piece
    }

    /// Reads what the handler left, so that the next request can be found. False where that would
    /// take too long, or the client waits for a 100 that will not come.
    func discardRest() async -> Bool {
        var rest = 256 << 10
        while !isFinished {
            guard !awaitsContinue, rest > 0, let piece = try? await next() else {
                return isFinished
            }
            rest -= piece.count
        }
        return true
    }
}

/// A gzip body, inflated piece by piece, of at most `limit` octets (RFC 1952).
final class InflatedBody: RequestBody {
    private let compressed: any RequestBody
    private var inflater = GzipInflater()
    private let limit: Int
    private var produced = 0

    init(_ compressed: any RequestBody, limit: Int) {
        self.compressed = compressed
        self.limit = limit
    }

    func next() async throws(Problem) -> [UInt8]? {
        var output: [UInt8] = []
        while output.isEmpty {
            guard let piece = try await compressed.next() else {
                try finish()
                return nil
            }
            do {
                try inflater.inflate(piece.span, into: &output, upTo: limit - produced)
            } catch .tooLarge {
                throw .tooLarge(limit: limit)
            } catch {
                throw Problem.malformed("the gzip body is damaged: \(error)").closing
            }
        }
        produced += output.count
        return output
    }

    private func finish() throws(Problem) {
        guard inflater.isFinished else {
            throw Problem.malformed("the gzip body ends too early").closing
        }
    }
}
