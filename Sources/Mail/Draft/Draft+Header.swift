import Crypto

extension Draft {
    /// Every field but those that describe the body.
    func appendHeader(to output: inout [UInt8]) {
        output.append("Date: ")
        output.append(rfc5322: date)
        output.append("\r\n")
        output.appendField("From", addresses: [from])
        output.appendField("To", addresses: to)
        output.appendField("Cc", addresses: cc)
        // A mail needs no destination field (RFC 5322 §3.6), but some hops refuse one without.
        if to.isEmpty, cc.isEmpty { output.append("To: undisclosed-recipients:;\r\n") }
        output.appendField("Reply-To", addresses: replyTo)
        if let subject { output.appendField("Subject", text: subject) }
        output.appendField("Message-ID", tokens: [messageID])
        output.append("MIME-Version: 1.0\r\n")
        if let threadKey { appendThread(threadKey, to: &output) }
        if let importance { appendImportance(importance, to: &output) }
        for header in headers { output.appendField(header.name, text: header.value) }
    }

    private func appendThread(_ key: String, to output: inout [UInt8]) {
        let root = Self.threadRoot(of: key, messageID: messageID)
        for name in ["In-Reply-To", "References"] where !hasHeader(name) {
            output.appendField(name, tokens: [root])
        }
    }

    private func appendImportance(_ importance: Importance, to output: inout [UInt8]) {
        if importance == .normal { return }
        if !hasHeader("Importance") {
            output.appendField("Importance", tokens: [importance.importance])
        }
        if !hasHeader("X-Priority") {
            output.appendField("X-Priority", tokens: [importance.xPriority])
        }
    }

    private func hasHeader(_ name: String) -> Bool {
        headers.contains { $0.name.lowercased() == name.lowercased() }
    }

    /// `<thread.HASH@domain>`, at the domain of the message id: the same for all mails of a key.
    private static func threadRoot(of key: String, messageID: String) -> String {
        let hash = SHA256.digest(key.utf8.span).prefix(16)
        let digits = hash.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        let domain = messageID.split(separator: "@").last?.split(separator: ">").first
        return "<thread.\(digits)@\(domain ?? "localhost")>"
    }
}
