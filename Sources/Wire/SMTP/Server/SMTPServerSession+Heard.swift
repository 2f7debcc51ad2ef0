import Mail

/// Habits of a client that the standards do not know and this server puts up with.
package struct SMTPQuirks: OptionSet, Hashable, Sendable {
    package let rawValue: Int

    package init(rawValue: Int) {
        self.rawValue = rawValue
    }

    /// A line, of a command or of content, that ended in LF or CR alone.
    package static let bareLineEnd = SMTPQuirks(rawValue: 1)
    /// HELO or EHLO without a name.
    package static let emptyHello = SMTPQuirks(rawValue: 2)
    /// MAIL before any hello.
    package static let noHello = SMTPQuirks(rawValue: 4)
}

/// What a protocol log may show of the client's words.
extension SMTPServerSession {
    private static let longestShown = 512

    /// The lines since the last call, without secrets; empty unless `keepsHeard` is set.
    package mutating func takeHeard() -> [String] {
        defer { heard = [] }
        return heard
    }

    /// From now on, or no longer. Nobody knows then whether there was an AUTH before.
    package mutating func keepHeard(_ isWanted: Bool) {
        guard options.keepsHeard != isWanted else { return }
        options.keepsHeard = isWanted
        hasHeardAuth = true
        heard = []
    }

    mutating func hear(_ line: SMTPLineBuffer.Line) {
        guard options.keepsHeard else { return }
        switch (phase, line) {
        case (.authentication, _): heard.append("****")
        case (_, .tooLong): heard.append("(a line over the limit)")
        case (_, .whole(let octets)): heard.append(shown(octets))
        }
    }

    private mutating func shown(_ line: [UInt8]) -> String {
        switch SMTPCommandLine(line).verb {
        case .auth:
            hasHeardAuth = true
            let words = line.split(whereSeparator: \.isBlank)
            guard words.count > 1 else { return Self.printable(line) }
            let isNamed = Self.mechanisms.contains(words[1].map(\.uppercasedLetter))
            let name = isNamed ? words.prefix(2) : words.prefix(1)
            let shown = Self.printable(Array(name.joined(separator: [32])))
            return words.count == name.count ? shown : shown + " ****"
        case nil:
            // A client that did not see its AUTH refused sends the password as if it were a command.
            if hasHeardAuth { return "****" }
            return Self.unknown(line)
        default: return Self.printable(line)
        }
    }

    /// IANA's registry, as far as mail clients use it.
    private static let mechanisms = Set(
        [
            "PLAIN", "LOGIN", "CRAM-MD5", "DIGEST-MD5", "NTLM", "GSSAPI", "EXTERNAL", "XOAUTH2",
            "OAUTHBEARER", "SCRAM-SHA-1", "SCRAM-SHA-256",
        ].map { Array($0.utf8) }
    )

    /// What is no command may be anything, a misspelt AUTH or another protocol's key with its value:
    /// only a word that names it is shown.
    private static func unknown(_ line: [UInt8]) -> String {
        let text = line.drop { $0.isBlank }
        let word = text.prefix { 48...57 ~= $0 || 65...90 ~= $0 & 0xdf || $0 == UInt8(ascii: "-") }
        let name = word.count > 16 ? word.prefix(8) : word
        let shown = String(decoding: name, as: UTF8.self)
        return name.count == text.count ? shown : shown + " ****"
    }

    private static func printable(_ line: [UInt8]) -> String {
        let shown = line.prefix(longestShown).map { $0 < 32 || $0 == 127 ? UInt8(ascii: "?") : $0 }
        return String(decoding: shown, as: UTF8.self)
    }
}
