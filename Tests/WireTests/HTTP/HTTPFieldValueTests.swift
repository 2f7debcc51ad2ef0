import Mail
import Testing

@testable import Wire

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
        // Bits left over say nothing: RFC 4648 §3.5 lets a reader pass them over.
        ("Basic YTp", .basic(user: "a", password: "")),
        ("Basic YWI=", .unreadable(scheme: "Basic")), ("Basic Y!==", .unreadable(scheme: "Basic")),
        ("Basic YTpi=", .unreadable(scheme: "Basic")),
        ("Basic YTpiY", .unreadable(scheme: "Basic")),
        ("Basic YT pi", .unreadable(scheme: "Basic")),
        ("Basic YTpi\tYg==", .unreadable(scheme: "Basic")),
        ("Basic OgA=", .unreadable(scheme: "Basic")), ("Basic Ov8=", .unreadable(scheme: "Basic")),
        ("Bearer", .unreadable(scheme: "Bearer")), ("Bearer a b", .unreadable(scheme: "Bearer")),
        ("Bearer:a", .unreadable(scheme: "Bearer")), ("", .unreadable(scheme: "")),
        ("Digest a=b", .unreadable(scheme: "Digest")), ("\"x\" y", .unreadable(scheme: "")),
    ]

    @Test("who a request says it comes from", arguments: authorizations)
    func credential(value: String, expected: HTTPCredential) {
        #expect(HTTPCredential(authorization: [UInt8](value.utf8)[...]) == expected)
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

    static let preferences: [(String, Int?, HTTPPreferences.Handling?)] = [
        ("wait=10", 10, nil), ("respond-async, wait=5", 5, nil),
        ("handling=lenient", nil, .lenient), ("Handling=\"STRICT\"", nil, .strict),
        ("wait=1, wait=2", 1, nil), ("wait = \"7\"; x=y", 7, nil),
        ("wait=-1", nil, nil), ("wait=a", nil, nil), ("wait", nil, nil),
        ("wait=99999999999999999999", .max, nil),
        ("=, ;, foo=\"a,b\", wait=3", 3, nil),
        ("handling=other", nil, nil), ("", nil, nil),
    ]

    @Test("what a client would like", arguments: preferences)
    func preference(
        value: String,
        wait: Int?,
        handling: HTTPPreferences.Handling?
    ) {
        let read = HTTPPreferences(HTTPFields([("Prefer", value)]))
        #expect(read.wait == wait)
        #expect(read.handling == handling)
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
        #expect(MediaType(parsing: value)?.boundary == expected)
    }
}

@Suite("The hops of X-Forwarded-For")
struct HTTPForwardedForTests {
    static let hops: [(lines: [String], expected: [String?])] = [
        ([], []), (["10.1.2.3"], ["10.1.2.3"]),
        (["10.1.2.3, 192.0.2.1"], ["10.1.2.3", "192.0.2.1"]),
        (["10.1.2.3", "192.0.2.1"], ["10.1.2.3", "192.0.2.1"]),
        (
            ["10.1.2.3:4711,\t[2001:db8::1]:80 , [::1], 2001:db8::2"],
            ["10.1.2.3", "2001:db8::1", "::1", "2001:db8::2"]
        ),
        (["::ffff:10.1.2.3"], ["10.1.2.3"]),
        (["unknown, 10.1.2.3"], [nil, "10.1.2.3"]), (["10.1.2.3,"], ["10.1.2.3", nil]),
        (["10.1.2.3 4"], ["10.1.2.3"]), (["[10.1.2"], [nil]), ([""], [nil]), (["1.2.3"], [nil]),
    ]

    @Test("are read as balancers write them", arguments: hops)
    func reading(lines: [String], expected: [String?]) throws {
        var parser = HTTPRequestParser()
        let fields = lines.map { "X-Forwarded-For: \($0)\r\n" }.joined()
        parser.receive(Array("GET / HTTP/1.1\r\nHost: x\r\n\(fields)\r\n".utf8).span)
        guard case .head(let head)? = try parser.next() else {
            Issue.record("no head")
            return
        }
        #expect(head.fields.forwardedFor.map { $0?.description } == expected)
    }
}
