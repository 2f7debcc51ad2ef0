import Testing
import Wire

@Suite("Field values are understood")
struct HTTPFieldValueTests {
    static let authorizations: [(String, HTTPCredential)] = [
        ("Bearer psta_abc", .bearer("psta_abc")), ("bearer   x", .bearer("x")),
        ("Basic YTpi", .basic(user: "a", password: "b")),
        ("BASIC YW55OnBzdDp4", .basic(user: "any", password: "pst:x")),
        ("Basic Og==", .basic(user: "", password: "")),
        ("Basic Og", .basic(user: "", password: "")),
        ("Basic w6Q6w7w=", .basic(user: "ä", password: "ü")),
        ("Basic", .unreadable(scheme: "Basic")),
        ("Basic YWI=", .unreadable(scheme: "Basic")), ("Basic Y!==", .unreadable(scheme: "Basic")),
        ("Basic YTpi=", .unreadable(scheme: "Basic")), ("Basic YTp", .unreadable(scheme: "Basic")),
        ("Basic OgA=", .unreadable(scheme: "Basic")), ("Basic Ov8=", .unreadable(scheme: "Basic")),
        ("Bearer", .unreadable(scheme: "Bearer")), ("Bearer a b", .unreadable(scheme: "Bearer")),
        ("Bearer:a", .unreadable(scheme: "Bearer")), ("", .unreadable(scheme: "")),
        ("Digest a=b", .unreadable(scheme: "Digest")), ("\"x\" y", .unreadable(scheme: "")),
    ]

    @Test("who a request says it comes from", arguments: authorizations)
    func credential(value: String, expected: HTTPCredential) {
        #expect(HTTPCredential(authorization: value) == expected)
    }

    @Test("every credential is found, and none is printed")
    func credentials() {
        let fields = HTTPFields([
            ("authorization", "Bearer hunter1"), ("X-Api-Key", "hunter2"),
            ("Authorization", "Basic YW55Omh1bnRlcjM="),
        ])
        let credentials = fields.credentials
        #expect(Set(credentials.map(\.secret)) == ["hunter1", "hunter2", "hunter3"])
        var dumped = ""
        dump(credentials, to: &dumped)
        for printed in ["\(credentials)", String(reflecting: credentials), dumped] {
            #expect(!printed.contains("hunter"))
        }
    }

    static let preferences: [(String, Int?, HTTPPreferences.Handling?, Bool)] = [
        ("wait=10", 10, nil, false), ("respond-async, wait=5", 5, nil, true),
        ("handling=lenient", nil, .lenient, false), ("Handling=\"STRICT\"", nil, .strict, false),
        ("wait=1, wait=2", 1, nil, false), ("wait = \"7\"; x=y", 7, nil, false),
        ("wait=-1", nil, nil, false), ("wait=a", nil, nil, false), ("wait", nil, nil, false),
        ("wait=99999999999999999999", .max, nil, false),
        ("=, ;, foo=\"a,b\", wait=3", 3, nil, false),
        ("handling=other", nil, nil, false), ("", nil, nil, false),
    ]

    @Test("what a client would like", arguments: preferences)
    func preference(
        value: String,
        wait: Int?,
        handling: HTTPPreferences.Handling?,
        asynchronous: Bool
    ) {
        let read = HTTPPreferences(HTTPFields([("Prefer", value)]))
        #expect(read.wait == wait)
        #expect(read.handling == handling)
        #expect(read.respondsAsynchronously == asynchronous)
    }

    static let strings: [(String, String?)] = [
        ("abc", "abc"), ("\"abc\"", "abc"), (" \"a \\\"b\\\\\" ", "a \"b\\"), ("a b", "a b"),
        ("", nil),
        ("\"\"", nil), ("\"abc", nil), ("\"a\"b", nil), ("\"a\\b\"", nil), ("\"a\\", nil),
        ("ä", nil),
        ("8e03978e-40d5-43e8-bc93-6894a57f9324", "8e03978e-40d5-43e8-bc93-6894a57f9324"),
    ]

    @Test("a structured string, quoted or bare", arguments: strings)
    func structuredString(value: String, expected: String?) {
        #expect(StructuredString.parse(value) == expected)
    }

    static let mediaTypes: [(String, String?, String?)] = [
        ("text/plain", "text/plain", nil), ("Text/HTML; Charset=\"UTF-8\"", "text/html", "utf-8"),
        ("application/json;charset=utf-8;", "application/json", "utf-8"),
        ("text/plain ; a=b;  charset = x", "text/plain", "x"),
        ("text/plain; charset", "text/plain", ""),
        ("text", nil, nil), ("text/", nil, nil), ("/plain", nil, nil), ("", nil, nil),
        ("text/plain, text/html", nil, nil), ("text/plain; a=\"b", nil, nil),
    ]

    @Test("a media type", arguments: mediaTypes)
    func mediaType(value: String, essence: String?, charset: String?) {
        let type = MediaType(value)
        #expect(type?.essence == essence)
        #expect(type?.charset == charset)
    }

    static let boundaries: [(String, String?)] = [
        ("multipart/form-data; boundary=abc", "abc"),
        ("multipart/form-data; boundary=\"a b:c\"", "a b:c"),
        (
            "multipart/form-data; boundary=----WebKitFormBoundaryX'()+_,-./:=?",
            "----WebKitFormBoundaryX'()+_,-./:=?"
        ),
        ("multipart/form-data", nil), ("multipart/form-data; boundary=", nil),
        ("multipart/form-data; boundary=\"a \"", nil),
        ("multipart/form-data; boundary=\"a\\\"\"", nil),
        ("multipart/form-data; boundary=" + String(repeating: "a", count: 71), nil),
        ("text/plain; boundary=abc", nil),
    ]

    @Test("a boundary that RFC 2046 allows", arguments: boundaries)
    func boundary(value: String, expected: String?) {
        #expect(MediaType(value)?.boundary == expected)
    }
}
