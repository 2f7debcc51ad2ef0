import Mail
import Testing

@testable import Wire

@Suite("Chunks")
struct SMTPChunkTests {
    /// What came of a conversation whose every question is answered with yes.
    private struct Course: Equatable {
        var replies: [String] = []
        var mails: [String] = []
        var voided = 0
    }

    private static let envelope =
        "EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\n"

    private func run(
        _ wire: String,
        _ cuts: Cuts,
        set: (inout SMTPServerOptions) -> Void = { _ in }
    ) -> Course {
        var options = SMTPServerOptions(fqdn: "relay.example", peer: "::1")
        options.maximumProtocolErrors = 0
        set(&options)
        var session = SMTPServerSession(options, date: "DATE")
        var course = Course()
        var content: [UInt8] = []
        for piece in cuts.pieces(of: Array(wire.utf8)) {
            session.receive(piece.span)
            while let event = session.next() {
                switch event {
                case .reply(let octets), .goodbye(let octets, _):
                    let lines = String(decoding: octets, as: UTF8.self).split(separator: "\r\n")
                    course.replies += lines.map { String($0.prefix(9)) }
                case .content(let octets): content += octets
                case .contentTooLarge, .reset:
                    content = []
                    course.voided += 1
                case .endOfContent:
                    course.mails.append(String(decoding: content, as: UTF8.self))
                    content = []
                    session.accept()
                case .recipient(.mailbox(let mailbox), _) where mailbox.localPart == "no":
                    session.refuse(SMTPReply(550, "5.7.54", "no"))
                default: session.accept()
                }
            }
        }
        let hello = course.replies.firstIndex { $0.hasPrefix("250 SMTP") } ?? 0
        course.replies.removeFirst(hello + 1)
        return course
    }

    private static let begun = ["250 2.1.0", "250 2.1.5"]

    static let courses: [(String, [String], [String])] = [
        ("BDAT 5 LAST\r\na\r\nb\nQUIT\r\n", ["250 2.0.0", "221 2.0.0"], ["a\r\nb\r\n"]),
        ("BDAT 0 LAST\r\n", ["250 2.0.0"], [""]),
        (
            "BDAT 2\r\na\rBDAT 2\r\n\nbbdat 0 last\r\n", ["250 2.0.0", "250 2.0.0", "250 2.0.0"],
            ["a\r\nb"]
        ),
        (
            "BDAT 6\r\nDATA\r\nBDAT 5 LAST\r\n.\r\n.\n", ["250 2.0.0", "250 2.0.0"],
            ["DATA\r\n.\r\n.\r\n"]
        ),
        ("BDAT 3\r\nabcRSET\r\nBDAT 3 LAST\r\ndef", ["250 2.0.0", "250 2.0.0", "503 5.5.2"], []),
        ("BDAT 3\r\nabcEHLO x\r\n", ["250 2.0.0", "250-relay"], []),
        (
            "BDAT 3\r\nabcNOOP\r\nBDAT 1 LAST\r\nd", ["250 2.0.0", "250 2.0.0", "250 2.0.0"],
            ["abcd"]
        ),
        ("BDAT 3\r\nabcDATA\r\nBDAT 0 LAST\r\n", ["250 2.0.0", "503 5.5.2", "250 2.0.0"], ["abc"]),
        (
            "BDAT 3\r\nabcRCPT TO:<e@f.example>\r\nMAIL FROM:<>\r\nBDAT 0 LAST\r\n",
            ["250 2.0.0", "503 5.5.2", "503 5.5.2", "250 2.0.0"], ["abc"]
        ),
        ("BDAT 1 LAST\r\naBDAT 5 LAST\r\nQUIT\n", ["250 2.0.0", "503 5.5.2"], ["a"]),
        (
            "BDAT\r\nBDAT x\r\nBDAT -1\r\nBDAT 0 LAST\r\n",
            ["501 5.5.4", "501 5.5.4", "501 5.5.4", "503 5.5.2"], []
        ),
        // Where a size can be read, what it announces is content all the same.
        ("BDAT 6 FIRST\r\nQUIT\r\nNOOP\r\n", ["501 5.5.4", "250 2.0.0"], []),
        ("BDAT 6 LAST x\r\nQUIT\r\nNOOP\r\n", ["501 5.5.4", "250 2.0.0"], []),
        // A mail with a hole is none.
        (
            "BDAT 3\r\nabcBDAT 3 x\r\ndefBDAT 3 LAST\r\nghi",
            ["250 2.0.0", "501 5.5.4", "503 5.5.2"], []
        ),
        ("RSET\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n", ["250 2.0.0", "503 5.5.2", "250 2.0.0"], []),
    ]
    @Test(
        "chunks are counted, whatever stands in them and however they are cut",
        arguments: courses
    )
    func course(_ wire: String, _ replies: [String], _ mails: [String]) {
        for cuts in Cuts.all {
            let course = run(Self.envelope + wire, cuts)
            #expect(Array(course.replies.dropFirst(2).prefix(replies.count)) == replies)
            #expect(course.replies.dropFirst(2).count == replies.count || wire.contains("EHLO"))
            #expect(course.mails == mails)
        }
    }

    @Test("a chunk behind refused recipients is swallowed, and is no breach of the protocol")
    func refusedRecipients() {
        let wire =
            "EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<no@d.example>\r\nBDAT 6\r\nQUIT\r\nBDAT 6 LAST\r\nQUIT\r\n"
        for cuts in Cuts.all {
            let course = run(wire + "NOOP\r\n", cuts) { $0.maximumProtocolErrors = 1 }
            let expected = ["250 2.1.0", "550 5.7.5", "503 5.5.2", "503 5.5.2", "250 2.0.0"]
            #expect(course.replies == expected)
        }
    }

    @Test("where TLS is demanded a chunk is swallowed too")
    func clearChunk() {
        let wire = "EHLO x\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n"
        for cuts in Cuts.all {
            let course = run(wire, cuts) { $0.requiresTLS = true }
            #expect(course.replies == ["451 5.7.3", "250 2.0.0"])
        }
    }

    @Test("a mail that grows too large fails once, and its last chunks with it")
    func size() {
        let wire =
            Self.envelope + "BDAT 4\r\nabcdBDAT 1\r\neBDAT 6\r\nQUIT\r\nBDAT 0 LAST\r\n"
            + "MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nBDAT 5\r\nabcde"
            + "MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nBDAT 4 LAST\r\nfull"
        for cuts in Cuts.all {
            let course = run(wire, cuts) { $0.messageSize = 4 }
            let expected =
                Self.begun + ["250 2.0.0", "552 5.3.4", "552 5.3.4", "552 5.3.4"] + Self.begun
                + ["552 5.3.4"] + Self.begun + ["250 2.0.0"]
            #expect(course.replies == expected)
            #expect(course.mails == ["full"])
        }
    }

    @Test(
        "a mail given up between its chunks is announced as given up",
        arguments: ["RSET", "EHLO y"]
    )
    func givingUp(_ command: String) {
        let course = run(Self.envelope + "BDAT 1\r\na\(command)\r\n\(command)\r\n", .whole)
        #expect(course.voided == 1)
    }

    @Test("content declared BINARYMIME is kept octet for octet, other content gets whole lines")
    func binary() {
        let content = "a\nb\rc\r\n.\r\r\n\n\r"
        let command = "BDAT \(content.utf8.count) LAST\r\n"
        for cuts in Cuts.all {
            let binary = Self.envelope.replacing(
                "example>\r\nRCPT",
                with: "example> BODY=BINARYMIME\r\nRCPT"
            )
            #expect(run(binary + command + content, cuts).mails == [content])
            let whole = "a\r\nb\r\nc\r\n.\r\n\r\n\r\n\r\n"
            #expect(run(Self.envelope + command + content, cuts).mails == [whole])
            let split =
                "BDAT 5\r\na\nb\rcBDAT \(content.utf8.count - 5) LAST\r\n" + content.dropFirst(5)
            #expect(run(binary + split, cuts).mails == [content])
            let data = run(binary + "DATA\r\n" + command + content, cuts)
            #expect(data.replies == Self.begun + ["503 5.5.2", "250 2.0.0"])
        }
    }

    @Test("any chunking gives the same mail", arguments: 1...100)
    func chunking(seed: Int) {
        var random = SplitMix(seed)
        let content = random.bytes(seed, of: Array("ab.\r\r\n\n".utf8))
        var wire = ""
        var rest = content[...]
        while !rest.isEmpty {
            let size = Int.random(in: 0...min(rest.count, 9), using: &random)
            wire += "BDAT \(size)\r\n" + String(decoding: rest.prefix(size), as: UTF8.self)
            rest = rest.dropFirst(size)
        }
        wire += "BDAT 0 LAST\r\n"
        let whole = "BDAT \(content.count) LAST\r\n" + String(decoding: content, as: UTF8.self)
        let expected = run(Self.envelope + whole, .whole).mails
        for cuts in [Cuts.whole, .everyOctet, .random(seed: seed)] {
            #expect(run(Self.envelope + wire, cuts).mails == expected)
        }
    }

    @Test("a driver that refuses content is quoted when the chunk has passed")
    func refusedContent() {
        var session = SMTPServerSession(
            SMTPServerOptions(fqdn: "relay.example", peer: "::1"),
            date: "DATE"
        )
        session.receive((Self.envelope + "BDAT 6\r\nQUI").utf8.span)
        while let event = session.next() {
            if event == .data { session.refuse(.insufficientResources) } else { session.accept() }
        }
        session.receive("T\r\nNOOP\r\n".utf8.span)
        #expect(session.next() == .reply(SMTPReply.insufficientResources.octets))
        #expect(session.next() == .reply(SMTPReply.ok.octets))
    }
}
