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
        let piece = try await conversation.nextBodyPiece(awaitsContinue: &awaitsContinue)
        isFinished = piece == nil
        return piece
    }

    /// Reads what the handler left, so that the next request can be found. False where that would
    /// be too much or take too long, or the client waits for a 100 that will not come.
    func discardRest() async -> Bool {
        var rest = 256 << 10
        let deadline = ContinuousClock.now + .seconds(10)
        while !isFinished {
            guard !awaitsContinue, rest > 0, ContinuousClock.now < deadline,
                let piece = try? await next()
            else {
                return isFinished
            }
            rest -= piece.count
        }
        return true
    }
}

/// A gzip body, inflated piece by piece (RFC 1952). The reader's limit stops a bomb.
final class InflatedBody: RequestBody {
    /// How much comes out of one step, whatever goes in.
    private static let step = 64 << 10

    private let compressed: any RequestBody
    private var reader: GzipReader
    private let limit: Int
    private var rest: ArraySlice<UInt8> = []

    init(_ compressed: any RequestBody, limit: Int) {
        self.compressed = compressed
        self.limit = limit
        reader = GzipReader(limit: limit)
    }

    func next() async throws(Problem) -> [UInt8]? {
        var output: [UInt8] = []
        while output.isEmpty {
            if rest.isEmpty {
                guard let piece = try await compressed.next() else {
                    try inflating { (reader) throws(InflateError) in try reader.finish() }
                    return nil
                }
                rest = piece[...]
            }
            let input = rest
            let used = try inflating { (reader) throws(InflateError) in
                try reader.inflate(input.span, into: &output, upTo: Self.step)
            }
            rest = rest.dropFirst(used)
        }
        return output
    }

    private func inflating<Value>(
        _ work: (inout GzipReader) throws(InflateError) -> Value
    ) throws(Problem) -> Value {
        do throws(InflateError) {
            return try work(&reader)
        } catch .tooLarge {
            throw .tooLarge(limit: limit)
        } catch {
            throw Problem.malformed("the gzip body is damaged: \(error.reason)").closing
        }
    }
}
