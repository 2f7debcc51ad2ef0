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

    mutating func hear(_ line: SMTPLineBuffer.Line) {
        guard options.keepsHeard else { return }
        switch (phase, line) {
        case (.authentication, _): heard.append("****")
        case (_, .tooLong): heard.append("(a line over the limit)")
        case (_, .whole(let octets)): heard.append(shown(octets))
        }
    }

    private mutating func shown(_ line: [UInt8]) -> String {
        let words = line.split(whereSeparator: \.isBlank)
        switch SMTPCommandLine(line).verb {
        case .auth:
            hasHeardAuth = true
            let secret = words.count > 2 ? ["****".utf8.map { $0 }[...]] : []
            return Self.printable(Array((words.prefix(2) + secret).joined(separator: [32])))
        case nil where hasHeardAuth:
            // A client that did not see its AUTH refused sends the password as if it were a command.
            return "****"
        default: return Self.printable(line)
        }
    }

    private static func printable(_ line: [UInt8]) -> String {
        let shown = line.prefix(longestShown).map { $0 < 32 || $0 == 127 ? UInt8(ascii: "?") : $0 }
        return String(decoding: shown, as: UTF8.self)
    }
}
