import Mail

/// A chunk on its way: what follows `BDAT size [LAST]`.
struct SMTPChunk: Sendable {
    let octets: Int
    let isLast: Bool
    /// False where more than `LAST`, or something else, stands behind the size.
    let isSound: Bool
    /// How much of it is still to come.
    var rest: Int
    /// The chunk is swallowed, then this is said.
    private(set) var refusal: SMTPReply?
    /// The refusal counts as a breach of the protocol.
    private(set) var isOutOfOrder = false

    /// Nil where no size can be read: then nobody knows where the next command begins.
    init?(_ argument: ArraySlice<UInt8>) {
        let words = argument.split(whereSeparator: \.isBlank)
        guard let size = words.first, 1...20 ~= size.count, size.allSatisfy({ $0 &- 48 < 10 })
        else { return nil }
        octets = Int(String(decoding: size, as: UTF8.self)) ?? .max
        rest = octets
        isLast = words.count == 2 && words[1].map(\.uppercasedLetter) == Array("LAST".utf8)
        isSound = words.count == 1 || isLast
    }

    func refused(_ words: SMTPReply, isOutOfOrder: Bool = false) -> SMTPChunk {
        var chunk = self
        chunk.refusal = words
        chunk.isOutOfOrder = isOutOfOrder
        return chunk
    }
}

/// BDAT (RFC 3030 §2). Whatever is said to it, the octets it announces are content: commands among
/// them would be someone else's.
extension SMTPServerSession {
    mutating func chunk(_ argument: ArraySlice<UInt8>, refusedWith words: SMTPReply? = nil) {
        // A mail that lacks a chunk is none.
        guard let chunk = SMTPChunk(argument) else {
            giveUp()
            return reproach(.invalidArguments)
        }
        guard chunk.isSound else {
            giveUp()
            return begin(chunk.refused(.invalidArguments, isOutOfOrder: true))
        }
        if let words { return begin(chunk.refused(words)) }
        guard let transaction else { return begin(chunk.refused(.needMail, isOutOfOrder: true)) }
        if let failure = transaction.failure { return begin(chunk.refused(failure)) }
        guard transaction.recipients > 0 else {
            // A client that pipelines cannot know that its recipients were refused (RFC 2920 §3.1).
            let isOutOfOrder = !transaction.wasRefusedRecipients
            return begin(chunk.refused(.needRecipient, isOutOfOrder: isOutOfOrder))
        }
        if transaction.hasChunks { begin(chunk) } else { ask(.firstChunk(chunk), .data) }
    }

    mutating func begin(_ chunk: SMTPChunk) {
        phase = .chunk(chunk)
        readChunk(input.take(atMost: chunk.rest).span)
    }

    mutating func readChunk(_ bytes: Span<UInt8>) {
        guard case .chunk(var chunk) = phase else { return }
        let taken = min(chunk.rest, bytes.count)
        chunk.rest -= taken
        phase = .chunk(chunk)
        if chunk.refusal == nil { take(bytes.extracting(0..<taken)) }
        guard chunk.rest == 0 else { return }
        phase = .commands
        input.append(bytes.extracting(taken..<bytes.count))
        finish(chunk)
    }

    private mutating func take(_ bytes: Span<UInt8>) {
        var content: [UInt8] = []
        if transaction?.body == .binaryMIME {
            content.append(bytes)
        } else {
            transaction?.lineEndings.normalise(bytes, into: &content)
        }
        deliver(content)
    }

    private mutating func finish(_ chunk: SMTPChunk) {
        if let words = chunk.refusal {
            if chunk.isOutOfOrder { reproach(words) } else { reply(words) }
            if chunk.isLast, transaction?.failure != nil { transaction = nil }
        } else if transaction?.isTooLarge == true {
            reply(.tooLarge)
            if chunk.isLast { transaction = nil } else { transaction?.failure = .tooLarge }
        } else if chunk.isLast {
            ask(.endOfContent, .endOfContent)
        } else {
            reply(.chunkReceived(octets: chunk.octets))
        }
    }
}
