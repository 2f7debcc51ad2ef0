import Testing
import Wire

@Suite("JSON5")
struct JSON5Tests {
    static let accepted: [(String, String)] = [
        ("null", "null"), (" true // yes", "true"), ("/* a * b */ false", "false"),
        ("\u{feff}1", "1"),
        ("\u{a0}\u{2003}\u{b}\u{c}1\u{2028}", "1"),
        ("[1, 2,]", "[1,2]"), ("[]", "[]"), ("{}", "{}"), ("{a:1,}", "{a:1}"),
        (
            "{$_a1:1, 'b c':2, \"d\":3, ünï:4, \\u0061b:5, null:6}",
            "{$_a1:1,b c:2,d:3,ünï:4,ab:5,null:6}"
        ),
        ("'it\\'s \"so\"'", "'it's \"so\"'"), ("\"it's\"", "'it's'"),
        (#"'\b\f\n\r\t\v\0\x41\u00e9\ud83d\ude00\a\/\\'"#, "'\u{8}\u{c}\n\r\t\u{b}\0Aé😀a/\\'"),
        ("'one \\\ntwo \\\r\nthree\\\u{2028}'", "'one two three'"),
        ("'\u{2028}'", "'\u{2028}'"),
        ("[+1, -2, .5, 5., 1e3, 0xFf, -0x10, 0]", "[1,-2,0.5,5,1000,255,-16,0]"),
        ("[Infinity, -Infinity, +Infinity]", "[inf,-inf,inf]"), ("NaN", "nan"), ("-NaN", "nan"),
        ("1e999", "inf"), ("9223372036854775808", "9.223372036854776e+18"), ("1.5E-1", "0.15"),
        ("{a:{b:[{c:'d'}]}}", "{a:{b:[{c:'d'}]}}"),
    ]
    @Test("what the specification allows is read", arguments: accepted)
    func reading(_ text: String, _ expected: String) throws {
        #expect(plain(try JSON5.parse(text)) == expected)
        #expect(plain(try JSON5.parse(text.utf8.span)) == expected)
    }

    @Test("every key and value knows its line and column")
    func places() throws {
        let text = "// head\r\n{\r\n  größe: 1, b: [\n\t'x',\n 2 ] }"
        let root = try JSON5.parse(text)
        let members = try #require(root.objectValue)
        #expect(root.line == 2 && root.column == 1)
        #expect(members.map(\.line) == [3, 3] && members.map(\.column) == [3, 13])
        #expect(members[0].node.line == 3 && members[0].node.column == 10)
        let list = try #require(root["b"]?.arrayValue)
        #expect(list.map(\.line) == [4, 5] && list.map(\.column) == [2, 2])
    }

    static let refused: [(String, Int, Int, String)] = [
        ("", 1, 1, "write a value"), ("// only\n", 2, 1, "write a value"),
        ("{a:1 b:2}", 1, 6, "comma"), ("{\n a: 1\n b: 2\n}", 3, 2, "line 2"),
        ("[1 2]", 1, 4, "comma"), ("{a 1}", 1, 4, "a: value"), ("{a=1}", 1, 3, "a: value"),
        ("{,}", 1, 2, "remove the comma"), ("[,]", 1, 2, "write a value"), ("{a:}", 1, 4, "value"),
        ("{a:1,\n\n a:2}", 3, 2, "remove one"), ("{a:1,'a':2}", 1, 6, "remove one"),
        ("{\n a: [1,\n", 2, 5, "add ]"), ("\n{a:1,", 2, 1, "add }"), ("{a:1", 1, 1, "add }"),
        ("{a: relay}", 1, 5, "\"relay\""), ("{a: 5m}", 1, 5, "\"5m\""),
        ("{a: 36MB}", 1, 5, "\"36MB\""),
        ("{a: 10.0.0.1}", 1, 5, "\"10.0.0.1\""), ("010", 1, 1, "quotes"), ("0x", 1, 1, "quotes"),
        (".", 1, 1, "quotes"), ("1e", 1, 1, "quotes"), ("+", 1, 1, "quotes"),
        ("-x", 1, 1, "quotes"),
        ("'abc", 1, 1, "close it"), ("'abc\n'", 1, 1, "close it"), ("{a: \"b}", 1, 5, "close it"),
        (#"'\x4'"#, 1, 2, "backslash"), (#"'C:\users'"#, 1, 4, "backslash"),
        (#"'\1'"#, 1, 2, "xHH"),
        (#"'\ud800'"#, 1, 2, "both halves"), (#"'\udc00'"#, 1, 2, "both halves"),
        (#"{\u0020:1}"#, 1, 2, "quote the key"), ("{a b:1}", 1, 4, "a: value"),
        ("/* open", 1, 1, "*/"), ("# comment\n1", 1, 1, "//"), ("{ # c\n}", 1, 3, "//"),
        ("{a: \u{201c}b\u{201d}}", 1, 5, "straight"), ("1 2", 1, 3, "brackets"),
        ("{}}", 1, 3, "remove"),
        ("{1a:1}", 1, 2, "quotes"), ("undefined", 1, 1, "quotes"), ("[1}", 1, 3, "comma"),
    ]
    @Test("what is wrong is said with its place and its cure", arguments: refused)
    func refusal(_ text: String, _ line: Int, _ column: Int, _ cure: String) {
        let error = #expect(throws: JSON5Error.self) { try JSON5.parse(text) }
        #expect(error?.line == line && error?.column == column, "\(error?.description ?? "")")
        #expect(error?.cure.contains(cure) == true, "\(error?.description ?? "")")
    }

    @Test("a file that is not UTF-8 is refused by its line")
    func notUTF8() {
        let octets = Array("{\n a: '".utf8) + [0xfc] + Array("'\n}".utf8)
        let error = #expect(throws: JSON5Error.self) { try JSON5.parse(octets.span) }
        #expect(error?.line == 2)
    }

    @Test("depth without an end is refused, not followed")
    func deep() {
        #expect(throws: JSON5Error.self) {
            try JSON5.parse(String(repeating: "[", count: 100_000))
        }
    }

    @Test("what the JSON writer writes, JSON5 reads alike", arguments: 1...100)
    func superset(seed: Int) throws {
        var random = SplitMix(seed)
        let value = random.value(depth: 3)
        let node = try JSON5.parse(value.serialized(pretty: seed.isMultiple(of: 2)).span)
        #expect(isSame(node, value))
    }

    @Test("random text never traps", arguments: 1...200)
    func garbage(seed: Int) {
        var random = SplitMix(seed)
        let words = [
            "{", "}", "[", "]", ":", ",", "'", "\"", "\\", "u00", "x4", "a", "0x", "1", ".", "-",
            "+", "e", "NaN", "//", "/*", "*/", "\n", "\r", "\u{2028}", "é", "\u{301}", " ",
        ]
        var text = ""
        for _ in 0..<60 { text += words[Int.random(in: 0..<words.count, using: &random)] }
        if let node = try? JSON5.parse(text) { #expect(node.line >= 1) }
    }

    private func plain(_ node: JSON5Node) -> String {
        switch node.value {
        case .null: "null"
        case .bool(let value): "\(value)"
        case .number(let number): number.int.map(String.init) ?? "\(number.double)"
        case .string(let text): "'\(text)'"
        case .array(let nodes): "[\(nodes.map(plain).joined(separator: ","))]"
        case .object(let members):
            "{\(members.map { "\($0.key):\(plain($0.node))" }.joined(separator: ","))}"
        }
    }

    private func isSame(_ node: JSON5Node, _ value: JSONValue) -> Bool {
        switch (node.value, value) {
        case (.null, .null): true
        case (.bool(let left), .bool(let right)): left == right
        case (.number(let left), .number(let right)): left.double == right.double
        case (.string(let left), .string(let right)): left == right
        case (.array(let left), .array(let right)):
            left.count == right.count && zip(left, right).allSatisfy(isSame)
        case (.object(let left), .object(let right)):
            left.map(\.key) == right.keys
                && zip(left, right).allSatisfy { isSame($0.node, $1.value) }
        default: false
        }
    }
}
