import Mail
import Testing

private let mediaTypes: [(String, String?, String?)] = [
    ("text/plain", "text/plain", nil), ("Text/HTML; Charset=\"UTF-8\"", "text/html", "UTF-8"),
    ("application/json;charset=utf-8;", "application/json", "utf-8"),
    ("text/plain ; a=b;  charset = x", "text/plain", "x"),
    ("text/plain; charset", "text/plain", nil), ("text/plain; ;charset=x", "text/plain", "x"),
    ("text", nil, nil), ("text/", nil, nil), ("/plain", nil, nil), ("", nil, nil),
    ("text/plain, text/html", nil, nil), ("text/plain; a=\"b", nil, nil),
    ("text/plain; a=\"b\" charset=x", nil, nil), ("text/plain; =x", nil, nil),
]

@Test("a media type is read, or is none", arguments: mediaTypes)
func mediaType(value: String, essence: String?, charset: String?) {
    let type = MediaType(parsing: value)
    #expect(type?.essence == essence)
    #expect(type?.parameter("charset") == charset)
    #expect(type?.type == essence?.split(separator: "/").first.map(String.init))
}

private let filenames: [(String, String?)] = [
    ("inline", nil), ("attachment; filename=a.txt", "a.txt"),
    ("attachment; filename=my report.pdf", "my report.pdf"),
    ("attachment; FileName=\"a \\\"b\\\" c:\\d\"", "a \"b\" c:\\d"),
    ("attachment; filename=x; filename*=utf-8''%E2%82%AC", "€"),
    ("attachment; filename*=iso-8859-15''%A4", "€"), ("attachment; filename*=utf-8''%FF", nil),
    ("attachment; filename*=utf-16''a; filename=x", "x"),
    ("attachment; filename*=utf-8''a%00b; filename=x", "x"),
    ("attachment; filename*0*=utf-8''a%20; filename*1=\"b%20\"; filename*2*=%C3%A4", "a b%20ä"),
    ("attachment; filename*1=b; filename*0=a", "ab"),
    // Not decoded: RFC 2047 §5, and a boundary may look like this.
    ("attachment; filename=\"=?utf-8?q?a?=\"", "=?utf-8?q?a?="),
    ("; filename=a", nil), ("attachment filename=a", nil), ("attachment; filename=\"a", nil),
]

@Test("a disposition's parameters are decoded as RFC 2231 has it", arguments: filenames)
func disposition(value: String, filename: String?) {
    #expect(ContentDisposition(parsing: value)?.parameter("filename") == filename)
}

@Test("garbage traps neither", arguments: 0..<UInt64(10))
func mediaTypeGarbage(seed: UInt64) {
    var generator = SeededGenerator(seed)
    for round in 0..<200 {
        let noise = generator.octets(round % 40, from: "a*01=;\"\\'% /\r\nü\0")
        let text = "a/b;" + String(decoding: noise, as: UTF8.self)
        #expect(MediaType(parsing: text)?.essence ?? "a/b" == "a/b")
        _ = ContentDisposition(parsing: text)
    }
}
