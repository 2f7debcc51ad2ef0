import Testing

@testable import Wire

@Suite("Replies")
struct SMTPReplyTests {
    static let written: [(SMTPReply, String)] = [
        (SMTPReply(250, nil, "a.example Hello [::1]"), "250 a.example Hello [::1]\r\n"),
        (.senderOK, "250 2.1.0 Sender OK\r\n"),
        (.startMailInput, "354 Start mail input; end with <CRLF>.<CRLF>\r\n"),
        (SMTPReply(250, nil, lines: ["a", "b", "c"]), "250-a\r\n250-b\r\n250 c\r\n"),
        (SMTPReply(550, "5.7.1", "no\nnever"), "550-5.7.1 no\r\n550 5.7.1 never\r\n"),
        (SMTPReply(550, "5.1.1", "<a\r250 ok>\u{0}"), "550 5.1.1 <a 250 ok> \r\n"),
        (SMTPReply(334, nil, ""), "334 \r\n"),
        (.cannotVerify, "252 2.1.5 Cannot VRFY user\r\n"),
        (
            .queued(messageID: "<1@a>", internalID: "msg_2", hostname: "h"),
            "250 2.6.0 <1@a> [InternalId=msg_2, Hostname=h] Queued mail for delivery\r\n"
        ),
    ]
    @Test("a reply is written line by line, whatever it quotes", arguments: written)
    func writing(_ reply: SMTPReply, _ expected: String) {
        #expect(String(decoding: reply.octets, as: UTF8.self) == expected)
    }

    @Test("a message id of any length leaves the reply a line that every client reads")
    func longMessageID() {
        for id in ["<\(String(repeating: "a", count: 9000))@x>", "<a\u{fc}@x>"] {
            let reply = SMTPReply.queued(messageID: id, internalID: "msg_2", hostname: "h")
            #expect(reply.octets.count <= 512)
            #expect(reply.octets.dropLast(2).allSatisfy { 32...126 ~= $0 })
            let end = " [InternalId=msg_2, Hostname=h] Queued mail for delivery"
            #expect(reply.text.hasPrefix("<a") && reply.text.hasSuffix(end))
        }
    }

    static let read: [(String, [SMTPReply])] = [
        ("220 hello\r\n", [SMTPReply(220, nil, "hello")]),
        ("250\r\n", [SMTPReply(250, nil, "")]),
        ("250-\r\n250\r\n", [SMTPReply(250, nil, lines: ["", ""])]),
        ("250 2.1.0 OK\n", [SMTPReply(250, "2.1.0", "OK")]),
        ("250 2.0.0\r\n", [SMTPReply(250, "2.0.0", "")]),
        // The class must be the code's.
        ("250 5.7.1 OK\r\n", [SMTPReply(250, nil, "5.7.1 OK")]),
        ("550 5.7.1.2 no\r\n", [SMTPReply(550, nil, "5.7.1.2 no")]),
        ("550 5.7.1234 no\r\n", [SMTPReply(550, nil, "5.7.1234 no")]),
        (
            "550-5.7.1 one\r\n550 5.7.1 two\r\n",
            [SMTPReply(550, "5.7.1", lines: ["one", "two"])]
        ),
        // The last line decides.
        ("250-a\r\n421 b\r\n", [SMTPReply(421, nil, lines: ["a", "b"])]),
        ("250 a\r\n354 b\r\n", [SMTPReply(250, nil, "a"), SMTPReply(354, nil, "b")]),
        ("554 \u{fc}\r\n", [SMTPReply(554, nil, "\u{fc}")]),
    ]
    @Test("a reply is read the same however it is cut", arguments: read)
    func reading(_ text: String, _ expected: [SMTPReply]) throws {
        for cuts in Cuts.all {
            var reader = SMTPReplyReader()
            var replies: [SMTPReply] = []
            for piece in cuts.pieces(of: Array(text.utf8)) {
                reader.receive(piece.span)
                while let reply = try reader.next() { replies.append(reply) }
            }
            #expect(replies == expected)
            #expect(!reader.hasBufferedOctets)
        }
    }

    @Test("what is written is read back", arguments: written.map(\.0))
    func roundTrip(_ reply: SMTPReply) throws {
        var reader = SMTPReplyReader()
        reader.receive(reply.octets.span)
        #expect(try reader.next() == reply)
    }

    static let broken: [(String, SMTPReplyError)] = [
        ("25\r\n", .malformed("25")),
        ("hello\r\n", .malformed("hello")),
        ("2500 x\r\n", .malformed("2500 x")),
        ("150 x\r\n", .malformed("150 x")),
        ("\r\n", .malformed("")),
        ("250-" + String(repeating: "x", count: 2048) + "\r\n", .lineTooLong),
        (String(repeating: "250-x\r\n", count: 101), .tooManyLines),
    ]
    @Test("what is no reply is refused by name", arguments: broken)
    func refusal(_ text: String, _ expected: SMTPReplyError) {
        #expect(throws: expected) {
            var reader = SMTPReplyReader()
            reader.receive(text.utf8.span)
            while let reply = try reader.next() { #expect(reply.lines.isEmpty) }
        }
    }

    @Test("a line may be 2,048 octets and a reply 100 lines")
    func limits() throws {
        var reader = SMTPReplyReader()
        let line = "250-" + String(repeating: "x", count: 2042) + "\r\n"
        reader.receive((String(repeating: line, count: 99) + "250 x\r\n").utf8.span)
        #expect(try reader.next()?.lines.count == 100)
    }

    @Test("a line that never ends is refused without being kept")
    func endlessLine() {
        var reader = SMTPReplyReader()
        let piece = [UInt8](repeating: 120, count: 4096)
        for _ in 0..<100 {
            reader.receive(piece.span)
            #expect(throws: Never.self) { try reader.next() }
        }
        reader.receive("\r\n".utf8.span)
        #expect(throws: SMTPReplyError.lineTooLong) { try reader.next() }
    }

    @Test("words behind a reply are noticed", arguments: ["2", "250 ok\r\n", "250-more\r\n"])
    func leftovers(_ words: String) throws {
        var reader = SMTPReplyReader()
        reader.receive(("220 go\r\n" + words).utf8.span)
        #expect(try reader.next()?.code == 220)
        #expect(reader.hasBufferedOctets)
    }

    @Test("random bytes never trap the reader", arguments: 1...200)
    func garbage(seed: Int) {
        var random = SplitMix(seed)
        var reader = SMTPReplyReader()
        for _ in 0..<20 {
            let size = Int.random(in: 0...60, using: &random)
            reader.receive(random.bytes(size, of: Array("2505- .\r\n\u{fc}".utf8)).span)
            while let reply = try? reader.next() { #expect(!reply.lines.isEmpty) }
        }
    }
}
