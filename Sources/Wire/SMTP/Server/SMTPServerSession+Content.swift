/// What follows DATA, and what becomes of content however it came.
extension SMTPServerSession {
    mutating func readContent(_ bytes: Span<UInt8>) {
        guard case .content(var reader) = phase else { return }
        var content: [UInt8] = []
        let end = reader.read(bytes, into: &content)
        if reader.hasMetBareLineEnd { quirks.insert(.bareLineEnd) }
        phase = .content(reader)
        deliver(content)
        guard let end else { return }
        phase = .commands
        input.append(bytes.extracting(end..<bytes.count))
        if transaction?.isTooLarge == true {
            transaction = nil
            reply(.tooLarge)
        } else {
            ask(.endOfContent, .endOfContent)
        }
    }

    mutating func deliver(_ content: [UInt8]) {
        guard !content.isEmpty, let before = transaction, !before.isTooLarge else { return }
        transaction?.contentOctets += content.count
        if let limit = options.messageSize, before.contentOctets + content.count > limit {
            transaction?.isTooLarge = true
            events.append(.contentTooLarge)
        } else {
            events.append(.content(content))
        }
    }
}
