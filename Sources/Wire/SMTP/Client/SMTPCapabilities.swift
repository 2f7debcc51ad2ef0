/// What of a server's answer to EHLO (RFC 5321 §4.1.1.1) a client of ours makes use of.
package struct SMTPCapabilities: Hashable, Sendable {
    package var pipelining = false
    package var startTLS = false
    package var eightBitMIME = false
    package var smtpUTF8 = false
    package var dsn = false
    package var chunking = false
    package var binaryMIME = false
    /// Whether MAIL may carry SIZE= (RFC 1870 §3).
    package var declaresSize = false
    /// The largest mail it takes; nil where it names no limit.
    package var size: Int?
    /// Upper case, in the server's order.
    package var authMechanisms: [String] = []

    /// What a server that only knows HELO offers: nothing.
    package init() {}

    /// The first line is the greeting; each other line is a keyword and its parameters.
    package init(_ reply: SMTPReply) {
        for line in reply.lines.dropFirst() { note(line.uppercased()) }
    }

    private mutating func note(_ line: String) {
        let words = line.split(separator: " ")
        guard let keyword = words.first else { return }
        switch keyword {
        case "PIPELINING": pipelining = true
        case "STARTTLS": startTLS = true
        case "8BITMIME": eightBitMIME = true
        case "SMTPUTF8": smtpUTF8 = true
        case "DSN": dsn = true
        case "CHUNKING": chunking = true
        case "BINARYMIME": binaryMIME = true
        case "SIZE":
            declaresSize = true
            // Zero is "no fixed maximum": RFC 1870 §4.
            size = words.dropFirst().first.flatMap { Int($0) }.flatMap { $0 > 0 ? $0 : nil }
        case "AUTH": noteMechanisms(words.dropFirst())
        // The form of servers older than RFC 2554; some still send both.
        case _ where keyword.hasPrefix("AUTH="):
            noteMechanisms([keyword.dropFirst(5)] + words.dropFirst())
        default: break
        }
    }

    private mutating func noteMechanisms(_ names: some Sequence<Substring>) {
        for name in names where !name.isEmpty && !authMechanisms.contains(String(name)) {
            authMechanisms.append(String(name))
        }
    }
}
