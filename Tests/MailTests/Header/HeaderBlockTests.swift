import Mail
import Testing

func block(_ text: String) -> HeaderBlock {
    HeaderBlock(parsing: text.utf8.span)
}

func text(of block: HeaderBlock) -> String { String(decoding: block.octets, as: UTF8.self) }

@Test("untouched fields leave as they came, octet for octet")
func exactness() {
    let header =
        "Received: from a\r\n\tby b;\r\n  x\r\nSUBJECT : odd  \r\nFrom:a@b\r\nX-Empty:\r\n"
        + "To: \r\n \r\n x@y\r\n"
    #expect(text(of: block(header)) == header)
    let latin = Array("Subject: f".utf8) + [0xfc] + Array("r\r\n".utf8)
    #expect(HeaderBlock(parsing: latin.span).octets == latin)
    #expect(HeaderBlock(parsing: latin.span).first("subject")?.text == "für")
}

@Test("fields are found whatever the case of their name, in order")
func lookup() {
    var header = block("To: a\r\nX: 1\r\nto: b\r\n c\r\nTO : d\r\n")
    #expect(header.all("To").map(\.text) == ["a", "b c", "d"])
    #expect(header.first("x")?.text == "1")
    #expect(header.first("Too") == nil)
    header.remove("TO")
    header.append("Bcc2", "x")
    #expect(text(of: header) == "X: 1\r\nBcc2: x\r\n")
}

@Test(
    "bare line feeds and returns end lines and leave as CRLF",
    arguments: ["A: 1\nB: 2\n 3\n\nbody: x\n", "A: 1\rB: 2\r 3\r\rbody: x\r", "A: 1\rB: 2\n 3"]
)
func bareLineEnds(header: String) {
    #expect(text(of: block(header)) == "A: 1\r\nB: 2\r\n 3\r\n")
}

@Test("NUL is left out of a header")
func nul() {
    #expect(text(of: block("A: 1\0 2\0\r\nB: 3\r\n")) == "A: 1 2\r\nB: 3\r\n")
}

@Test(
    "lines that belong to no field are dropped",
    arguments: [
        ("From joe Sat Jan  1\r\nA: 1\r\n", "A: 1\r\n"),
        (" lost\r\nA: 1\r\n", "A: 1\r\n"),
        ("A: 1\r\nno colon here\r\n and its fold\r\nB: 2\r\n", "A: 1\r\nB: 2\r\n"),
        ("A b: 1\r\n: x\r\nB: 2\r\n", "B: 2\r\n"), ("A: 1", "A: 1\r\n"), ("", ""),
    ]
)
func defects(of header: String, leave rest: String) {
    #expect(text(of: block(header)) == rest)
}

private func split(
    _ mail: [UInt8],
    cuts: [Int],
    limit: Int = 1 << 16
) -> (header: String, body: String, isOversize: Bool) {
    var splitter = HeaderSplitter(limit: limit)
    var body: [UInt8] = []
    var isBody = false
    for piece in pieces(of: mail, at: cuts) {
        if isBody {
            body += piece
        } else if let start = splitter.receive(piece.span) {
            isBody = true
            body = splitter.bodyPrefix + piece[start...]
        }
    }
    if !isBody {
        splitter.finish()
        body = splitter.bodyPrefix
    }
    let header = String(decoding: splitter.header, as: UTF8.self)
    return (header, String(decoding: body, as: UTF8.self), splitter.isOversize)
}

private let mails: [(String, String, String)] = [
    ("A: 1\r\nB: 2\r\n\r\nbody\r\n", "A: 1\r\nB: 2\r\n", "body\r\n"),
    ("A: 1\nB: 2\n\nbody\n", "A: 1\nB: 2\n", "body\n"),
    ("A: 1\rB: 2\r\rbody\r", "A: 1\rB: 2\r", "body\r"),
    ("A: 1\r\nB: 2\rno field\r\n\r\n", "A: 1\r\nB: 2\r", "no field\r\n\r\n"),
    ("A: 1\r\n fold\r\n\r\n\r\nb", "A: 1\r\n fold\r\n", "\r\nb"),
    ("\r\nbody", "", "body"), ("A: 1\r\n", "A: 1\r\n", ""), ("A: 1", "A: 1", ""), ("", "", ""),
    // Devices that write no header, or forget the empty line: nothing they wrote is lost.
    ("Battery low\r\n\r\nTo: x\r\n", "", "Battery low\r\n\r\nTo: x\r\n"),
    ("Subject: UPS\r\nBattery low\r\nB: 2\r\n", "Subject: UPS\r\n", "Battery low\r\nB: 2\r\n"),
    ("Subject: UPS\r\nno end", "Subject: UPS\r\n", "no end"), (" blank", "", " blank"),
    ("From joe Sat\r\nA: 1\r\n\r\nx", "From joe Sat\r\nA: 1\r\n", "x"),
    ("A: 1\r\nFrom joe\r\n\r\nx", "A: 1\r\n", "From joe\r\n\r\nx"),
    ("A: 1\r\n \r\nB: 2\r\n\r\nx", "A: 1\r\n \r\nB: 2\r\n", "x"),
]

@Test("the header section ends at the same place however it is cut", arguments: mails)
func splitting(_ mail: String, into header: String, and body: String) {
    let octets = Array(mail.utf8)
    for first in 0...octets.count {
        for second in [first, (first + octets.count) / 2, octets.count] {
            let parts = split(octets, cuts: [first, second])
            #expect(parts.header == header && parts.body == body, "cut at \(first), \(second)")
        }
    }
    let single = split(octets, cuts: Array(0..<octets.count))
    #expect(single.header == header && single.body == body)
}

@Test("a header section beyond its limit is noticed before more of it is kept")
func oversize() {
    let line = Array("X-Long: 123456789\r\n".utf8)
    let mail = Array(repeatElement(line, count: 10_000).joined()) + [13, 10]
    #expect(split(mail, cuts: [], limit: 1000).isOversize)
    #expect(
        split(mail, cuts: Array(stride(from: 0, to: mail.count, by: 700)), limit: 1000).isOversize
    )
    #expect(!split(mail, cuts: [], limit: mail.count).isOversize)
    var splitter = HeaderSplitter(limit: 1000)
    #expect(splitter.receive(mail.span) == nil)
    #expect(splitter.header.count < 4096)
}

@Test("garbage parses without trapping and never grows", arguments: 0..<UInt64(20))
func headerGarbage(seed: UInt64) {
    var generator = SeededGenerator(seed)
    for round in 0..<100 {
        let noise = generator.octets(round * 2, from: "A:b \t\r\n\r\nFrom ü")
        let whole = split(noise, cuts: [])
        let cut = split(noise, cuts: [round, round / 2])
        #expect(whole.header == cut.header && whole.body == cut.body)
        let header = HeaderBlock(parsing: noise.span)
        let octets = header.octets
        #expect(HeaderBlock(parsing: octets.span).fields.count <= header.fields.count)
        for field in header.fields { _ = field.decoded }
    }
}
