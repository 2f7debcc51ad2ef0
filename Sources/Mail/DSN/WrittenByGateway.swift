/// What the mails that the gateway writes itself have in common.
extension [UInt8] {
    /// A part of plain text: its header, and the words in the encoding they need.
    mutating func appendTextPart(_ words: String) {
        let encoding = TextEncoding(for: words.utf8.span)
        append("Content-Type: text/plain; charset=")
        append(encoding.isASCII ? "us-ascii" : "utf-8")
        append("\r\nContent-Transfer-Encoding: \(encoding.name)\r\n\r\n")
        encoding.append(words.utf8.span, to: &self)
    }

    /// A Message-ID, and the fields that put the mail beside the one it is about.
    mutating func appendThread(_ messageID: String, about original: String) {
        appendField("Message-ID", tokens: [messageID])
        guard Self.isMessageID(original) else { return }
        appendField("In-Reply-To", tokens: [original])
        appendField("References", tokens: [original])
    }

    /// What stands in a field must be one line of ASCII, and short.
    private static func isMessageID(_ text: String) -> Bool {
        text.hasPrefix("<") && text.hasSuffix(">") && text.utf8.count <= 250
            && text.utf8.allSatisfy { 33...126 ~= $0 }
    }
}
