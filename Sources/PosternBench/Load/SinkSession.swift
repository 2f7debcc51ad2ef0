/// The least of SMTP that a next hop needs (RFC 5321). It looks for the end of a mail and drops
/// the rest, since every octet costs the processor that is being measured.
struct SinkSession {
    static let greeting = Array("220 sink.bench.example ESMTP\r\n".utf8)

    private(set) var hasQuit = false
    private var line: [UInt8] = []
    private var mails = 0
    /// How much of CRLF.CRLF has been seen; nil outside of a mail.
    private var seen: Int?

    /// Mails that ended since the last time.
    mutating func takeCount() -> Int {
        defer { mails = 0 }
        return mails
    }

    mutating func receive(_ octets: Span<UInt8>) -> [UInt8] {
        var replies: [UInt8] = []
        octets.withUnsafeBufferPointer { octets in
            var place = 0
            while place < octets.count {
                if seen != nil {
                    place = takeContent(octets, from: place, &replies)
                } else {
                    take(octets[place], &replies)
                    place += 1
                }
            }
        }
        return replies
    }

    private static let end = Array("\r\n.\r\n".utf8)

    private mutating func takeContent(
        _ octets: UnsafeBufferPointer<UInt8>,
        from start: Int,
        _ replies: inout [UInt8]
    ) -> Int {
        var matched = seen ?? 0
        for place in start..<octets.count {
            if octets[place] == Self.end[matched] {
                matched += 1
                guard matched == Self.end.count else { continue }
                seen = nil
                mails += 1
                replies += "250 2.0.0 taken\r\n".utf8
                return place + 1
            }
            matched = octets[place] == UInt8(ascii: "\r") ? 1 : 0
        }
        seen = matched
        return octets.count
    }

    private mutating func take(_ octet: UInt8, _ replies: inout [UInt8]) {
        guard octet == UInt8(ascii: "\n") else { return line.append(octet) }
        replies += answer(String(decoding: line.prefix(4), as: UTF8.self).uppercased()).utf8
        line.removeAll(keepingCapacity: true)
    }

    private mutating func answer(_ verb: String) -> String {
        switch verb {
        case "EHLO":
            return "250-sink.bench.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n"
        case "DATA":
            seen = 2  // The command's own line end may begin CRLF.CRLF.
            return "354 go ahead\r\n"
        case "QUIT":
            hasQuit = true
            return "221 2.0.0 bye\r\n"
        case "HELO", "MAIL", "RCPT", "RSET", "NOOP": return "250 2.0.0 fine\r\n"
        default: return "500 5.5.1 unknown\r\n"
        }
    }
}
