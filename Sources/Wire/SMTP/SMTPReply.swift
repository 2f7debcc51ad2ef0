import Mail

/// A reply: a code, perhaps an enhanced status code (RFC 3463), and one or more lines of text
/// (RFC 5321 §4.2).
package struct SMTPReply: Hashable, Sendable {
    package let code: Int
    /// In the form "5.7.54"; nil where the reply has none.
    package let enhanced: String?
    /// Never empty, never with a control character: a reply cannot be split by what it quotes.
    package let lines: [String]

    package init(_ code: Int, _ enhanced: String?, _ text: String) {
        let octets = text.utf8.span
        guard endOfRun(in: octets, from: 0, stoppedBy: { ($0 == 10).octet }) < octets.count else {
            self.init(code, enhanced, lines: [text])
            return
        }
        let lines = text.utf8.split(separator: 10, omittingEmptySubsequences: false)
        self.init(code, enhanced, lines: lines.map { String(Substring($0)) })
    }

    package init(_ code: Int, _ enhanced: String?, lines: [String]) {
        self.code = code
        self.enhanced = enhanced
        self.lines = lines.isEmpty ? [""] : lines.map(Self.withoutControls)
    }

    private static func withoutControls(_ text: String) -> String {
        let octets = text.utf8.span
        let end = endOfRun(in: octets, from: 0) { ($0 < 32).octet | ($0 == 127).octet }
        guard end < octets.count else { return text }
        let clean = text.utf8.map { $0 < 32 || $0 == 127 ? 32 : $0 }
        return String(decoding: clean, as: UTF8.self)
    }
}

extension SMTPReply: CustomStringConvertible {
    /// All lines in one, without codes.
    package var text: String { lines.joined(separator: " ") }

    /// `550 5.7.54 text`, the way an administrator would quote it.
    package var description: String {
        [String(code), enhanced, text.isEmpty ? nil : text].compactMap { $0 }
            .joined(separator: " ")
    }

    /// As sent; each line carries the enhanced code (RFC 2034 §4).
    package var octets: [UInt8] {
        var octets: [UInt8] = []
        octets.reserveCapacity(lines.reduce(0) { $0 + $1.utf8.count + 16 })
        let code = String(code)
        for (index, line) in lines.enumerated() {
            octets.append(code)
            octets.append(index == lines.count - 1 ? 32 : 45)
            if let enhanced {
                octets.append(enhanced)
                octets.append(32)
            }
            octets.append(line)
            octets.append("\r\n")
        }
        return octets
    }

    /// 4yz: trying again can help.
    package var isTransient: Bool { code / 100 == 4 }
    /// 5yz: it cannot.
    package var isPermanent: Bool { code / 100 == 5 }
}
