import Testing
import Wire

@Suite("JSON, read")
struct JSONReaderTests {
    static let accepted: [(String, JSONValue)] = [
        ("null", .null), (" true\n", true), ("false", false), ("\t0 ", 0), ("-0", .number("-0")),
        ("-12.50e+03", .number("-12.50e+03")), ("1E2", .number("1E2")),
        ("123456789012345678901234567890", .number("123456789012345678901234567890")),
        ("\"\"", ""), ("\"a\"", "a"), ("\"\u{7f}\u{2028}é😀\"", "\u{7f}\u{2028}é😀"),
        (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"),
        (#""\u0041\u00e9\u20AC\ud83d\ude00\u0000""#, "Aé€😀\0"),
        ("[]", []), ("[ ]", []), ("[1,[2],[[]]]", [1, [2], [[]]]),
        ("{}", [:]), (#"{"a":1,"b":{"c":[null]}}"#, ["a": 1, "b": ["c": [.null]]]),
        (#"{"":0}"#, ["": 0]), ("[\r\n1\t,\n2 ]", [1, 2]),
        (
            "\"\(String(repeating: "x", count: 100))é\"",
            .string(String(repeating: "x", count: 100) + "é")
        ),
    ]
    @Test("a document reads the same however it is cut", arguments: accepted)
    func reading(_ text: String, _ expected: JSONValue) throws {
        for cuts in Cuts.all {
            let value = try read(Array(text.utf8), cuts)
            #expect(value == expected)
        }
    }

    static let refused: [(String, String, Int, Int)] = [
        ("", "", 1, 1), (" \n ", "", 2, 2), ("[", "/0", 1, 2), ("[1", "", 1, 3),
        ("[1,", "/1", 1, 4),
        ("{", "", 1, 2), ("{\"a\"", "/a", 1, 5), ("{\"a\":", "/a", 1, 6), ("\"a", "", 1, 3),
        ("tru", "", 1, 4), ("nul1", "", 1, 1), ("truex", "", 1, 5), ("1 2", "", 1, 3),
        ("[1 2]", "", 1, 4), ("[1,]", "/1", 1, 4), ("[,1]", "/0", 1, 2), ("{,}", "", 1, 2),
        ("{\"a\":1,}", "", 1, 8), ("{a:1}", "", 1, 2), ("{'a':1}", "", 1, 2),
        ("{\"a\" 1}", "/a", 1, 6),
        ("{\"a\":1]", "", 1, 7), ("[1}", "", 1, 3), ("]", "", 1, 1), ("[]]", "", 1, 3),
        ("01", "", 1, 1), ("1.", "", 1, 1), (".5", "", 1, 1), ("+1", "", 1, 1), ("1e", "", 1, 1),
        ("-", "", 1, 1), ("1e+", "", 1, 1), ("0x1", "", 1, 2), ("NaN", "", 1, 1), ("--1", "", 1, 1),
        ("\"\n\"", "", 1, 2), ("\"\t\"", "", 1, 2), ("\"\u{0}\"", "", 1, 2),
        (#""\x""#, "", 1, 3), (#""\u12g4""#, "", 1, 6), (#""\ud800""#, "", 1, 8),
        (#""\ud800\n""#, "", 1, 9), (#""\ud800\u0041""#, "", 1, 13), (#""\udc00""#, "", 1, 7),
        ("\u{feff}1", "", 1, 1), ("// c\n1", "", 1, 1), ("1\u{c}", "", 1, 2), ("\u{a0}1", "", 1, 1),
        ("{\"a\":1,\n \"a\":2}", "/a", 2, 2), ("[{\"a/b~\":[0,\n  tru]}]", "/0/a~1b~0/1", 2, 3),
        ("{\"a\":{\"b\":[1,2,{\"c\":x}]}}", "/a/b/2/c", 1, 21),
    ]
    @Test("what is no JSON is refused at its place", arguments: refused)
    func refusal(_ text: String, _ pointer: String, _ line: Int, _ column: Int) {
        for cuts in Cuts.all {
            do throws(JSONError) {
                let value = try read(Array(text.utf8), cuts)
                Issue.record("\(text) is \(value)")
            } catch {
                #expect(error.pointer == pointer, "\(text): \(error)")
                #expect(error.line == line && error.column == column, "\(text): \(error)")
                #expect(!error.reason.isEmpty)
            }
        }
    }

    static let notUTF8: [[UInt8]] = [
        [0x80], [0xff], [0xc0, 0x80], [0xc3], [0xe2, 0x82], [0xed, 0xa0, 0x80],
        [0xf5, 0x80, 0x80, 0x80],
        [0xf0, 0x9f, 0x98], [0xe0, 0x80, 0x80], [0x61, 0xc3, 0x28],
    ]
    @Test("a string that is not UTF-8 is refused, kept or streamed", arguments: notUTF8)
    func invalidUTF8(_ octets: [UInt8]) {
        for cuts in Cuts.all {
            for places in [[], [["0"]]] {
                #expect(throws: JSONError.self) {
                    try read(Array("[\"".utf8) + octets + Array("\"]".utf8), cuts, places)
                }
            }
        }
    }

    @Test("a reader that failed gives the same error again")
    func sameErrorAgain() {
        var reader = JSONDocumentReader()
        let first = #expect(throws: JSONError.self) { try reader.receive("[1,}".utf8.span) }
        let second = #expect(throws: JSONError.self) { try reader.receive("1]".utf8.span) }
        let third = #expect(throws: JSONError.self) { try reader.finish() }
        #expect(first == second && second == third)
    }

    static let limited: [(String, JSONLimits)] = [
        ("[[[]]]", JSONLimits(maximumDepth: 2)), (#"{"a":{"b":{}}}"#, JSONLimits(maximumDepth: 2)),
        ("\"12345\"", JSONLimits(maximumStringOctets: 4)),
        ("12345", JSONLimits(maximumStringOctets: 4)),
        (#"{"12345":1}"#, JSONLimits(maximumStringOctets: 4)),
        (#""\n\n\n\n\n""#, JSONLimits(maximumStringOctets: 4)),
        ("[1,2,3]", JSONLimits(maximumValues: 3)),
    ]
    @Test("more than is allowed is refused", arguments: limited)
    func limits(_ text: String, _ limits: JSONLimits) {
        for cuts in Cuts.all {
            #expect(throws: JSONError.self) { try read(Array(text.utf8), cuts, limits: limits) }
        }
        #expect(throws: Never.self) { try read(Array(text.utf8), .whole) }
    }

    @Test("depth without an end is refused, not followed")
    func deep() {
        let text = String(repeating: "[", count: 100_000)
        #expect(throws: JSONError.self) { try JSONValue.parse(text.utf8.span) }
    }

    @Test("an object of many members finds each and refuses a second of its name")
    func manyMembers() throws {
        let names = (0..<100).map { "\"m\($0)\":\($0)" }.joined(separator: ",")
        let value = try JSONValue.parse("{\(names)}".utf8.span)
        for number in 0..<100 { #expect(value["m\(number)"]?.intValue == number) }
        #expect(value["m100"] == nil)
        #expect(value.objectValue?.keys.first == "m0" && value.objectValue?.count == 100)
        #expect(throws: JSONError.self) {
            try JSONValue.parse("{\(names),\"m7\":0}".utf8.span)
        }
    }

    static let written: [(JSONNumber?, Int?, Double?)] = [
        (JSONNumber("0"), 0, 0), (JSONNumber("-7"), -7, -7), (JSONNumber("1.0"), 1, 1),
        (JSONNumber("1e3"), 1000, 1000), (JSONNumber("1.5"), nil, 1.5),
        (JSONNumber("9223372036854775807"), .max, 9.223372036854775807e18),
        (JSONNumber("9223372036854775808"), nil, 9.223372036854775808e18),
        (JSONNumber("1e400"), nil, nil),
        (JSONNumber("9007199254740993.0"), nil, 9_007_199_254_740_992),
        (JSONNumber("-0"), 0, -0.0), (JSONNumber("nan"), nil, nil),
        (JSONNumber("01"), nil, nil),
        (JSONNumber(""), nil, nil), (JSONNumber("1 "), nil, nil),
    ]
    @Test("a number is what it can be without loss", arguments: written)
    func worth(of number: JSONNumber?, _ int: Int?, _ double: Double?) {
        #expect(number?.int == int)
        #expect(number?.double == double)
    }
}

@Suite("JSON, streamed")
struct JSONStreamTests {
    let text = #"""
        {"to":"a","attachments":[{"content":"QUJD\u0041é😀","name":"x"},{"content":""},{"content":7},
        {"nested":{"content":"kept"}}],"content":"kept"}
        """#
    let places = [["attachments", "*", "content"]]

    @Test("strings at the places come out in fragments, in order, at any cut", arguments: Cuts.all)
    func streaming(_ cuts: Cuts) throws {
        var reader = JSONDocumentReader(streaming: places)
        var fragments: [JSONFragment] = []
        for piece in cuts.pieces(of: Array(text.utf8)) {
            try reader.receive(piece.span)
            fragments += reader.takeFragments()
        }
        let value = try reader.finish()
        #expect(value["attachments"]?[0]?["content"] == .streamed(0))
        #expect(value["attachments"]?[1]?["content"] == .streamed(1))
        #expect(value["attachments"]?[2]?["content"]?.intValue == 7)
        #expect(value["attachments"]?[3]?["nested"]?["content"] == "kept")
        #expect(value["content"] == "kept")
        let first = fragments.filter { $0.stream == 0 }
        #expect(first.flatMap(\.octets) == Array("QUJDAé😀".utf8))
        #expect(first.map(\.isLast) == first.dropLast().map { _ in false } + [true])
        #expect(first.allSatisfy { $0.pointer == "/attachments/0/content" })
        #expect(first.allSatisfy { String(validating: $0.octets, as: UTF8.self) != nil })
        let second = fragments.filter { $0.stream == 1 }
        #expect(second.map(\.octets) == [[]] && second.map(\.isLast) == [true])
    }

    @Test("a streamed string is held by no limit and kept nowhere")
    func flatness() throws {
        var reader = JSONDocumentReader(
            limits: JSONLimits(maximumStringOctets: 10),
            streaming: [["c"]]
        )
        try reader.receive("{\"c\":\"".utf8.span)
        let piece = [UInt8](repeating: 65, count: 1000)
        for _ in 0..<100 {
            try reader.receive(piece.span)
            #expect(reader.takeFragments().map(\.octets.count) == [1000])
        }
        try reader.receive("\"}".utf8.span)
        #expect(reader.takeFragments().last?.isLast == true)
        #expect(try reader.finish() == ["c": .streamed(0)])
    }

    @Test("a whole document can be a stream, and an index can be a place")
    func otherPlaces() throws {
        var root = JSONDocumentReader(streaming: [[]])
        try root.receive("\"abc\"".utf8.span)
        #expect(try root.finish() == .streamed(0))
        var second = JSONDocumentReader(streaming: [["1"]])
        try second.receive("[\"a\",\"b\",\"c\"]".utf8.span)
        #expect(try second.finish() == ["a", .streamed(0), "c"])
        #expect(second.takeFragments().first?.octets == [98])
    }
}

@Suite("JSON, one document behind the other")
struct JSONSequenceTests {
    @Test("documents come out as they become whole", arguments: Cuts.all)
    func documents(_ cuts: Cuts) throws {
        var reader = JSONSequenceReader(streaming: [["c"]])
        var values: [JSONValue] = []
        var pointers: [String] = []
        let text = "{\"a\":1}\n{\"c\":\"x\"}\r\n\n{\"a\":3}[4]\"s\"5 6\n7"
        for piece in cuts.pieces(of: Array(text.utf8)) {
            try reader.receive(piece.span)
            pointers += reader.takeFragments().map(\.pointer)
            while let value = reader.next() { values.append(value) }
        }
        try reader.finish()
        while let value = reader.next() { values.append(value) }
        #expect(values == [["a": 1], ["c": .streamed(0)], ["a": 3], [4], "s", 5, 6, 7])
        #expect(Set(pointers) == ["/1/c"])
    }

    @Test("an error names the document by its index")
    func error() throws {
        var reader = JSONSequenceReader()
        let error = #expect(throws: JSONError.self) {
            try reader.receive("{}\n{\"a\":[1,?]}".utf8.span)
        }
        #expect(error?.pointer == "/1/a/1" && error?.line == 2 && error?.column == 9)
        #expect(reader.next() == [:])
    }

    @Test("nothing is a sequence of none; half a document is an error")
    func ends() throws {
        var empty = JSONSequenceReader()
        try empty.receive(" \n".utf8.span)
        try empty.finish()
        #expect(empty.next() == nil)
        var half = JSONSequenceReader()
        try half.receive("{}\n{".utf8.span)
        #expect(throws: JSONError.self) { try half.finish() }
    }
}

extension JSONValue {
    static func number(_ text: String) -> JSONValue {
        JSONNumber(text).map(JSONValue.number) ?? .null
    }
}

func read(
    _ octets: [UInt8],
    _ cuts: Cuts,
    _ places: [[String]] = [],
    limits: JSONLimits = JSONLimits()
) throws(JSONError) -> JSONValue {
    var reader = JSONDocumentReader(limits: limits, streaming: places)
    for piece in cuts.pieces(of: octets) { try reader.receive(piece.span) }
    return try reader.finish()
}
