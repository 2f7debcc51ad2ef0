import Testing
import Wire

@Suite("JSON, written")
struct JSONWriterTests {
    @Test("a writer keeps the commas and colons")
    func writing() {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("id")
        writer.string("msg_1")
        writer.key("n")
        writer.integer(-5)
        writer.key("list")
        writer.beginArray()
        writer.bool(true)
        writer.null()
        writer.number(JSONNumber(15))
        writer.null()
        writer.beginObject()
        writer.endObject()
        writer.beginArray()
        writer.endArray()
        writer.endArray()
        writer.key("v")
        writer.value(["a": [1, "b"]])
        writer.endObject()
        let expected =
            #"{"id":"msg_1","n":-5,"list":[true,null,15,null,{},[]],"v":{"a":[1,"b"]}}"#
        #expect(String(decoding: writer.octets, as: UTF8.self) == expected)
    }

    static let escapes: [(String, String)] = [
        ("", #""""#), ("a\"b\\c/", #""a\"b\\c/""#), ("\u{8}\t\n\u{c}\r", #""\b\t\n\f\r""#),
        ("\0\u{1f}\u{7f}", "\"\\u0000\\u001f\u{7f}\""), ("é😀\u{2028}", "\"é😀\u{2028}\""),
        (
            String(repeating: "x", count: 70) + "\n",
            "\"" + String(repeating: "x", count: 70) + "\\n\""
        ),
    ]
    @Test("what must be escaped is, and nothing else", arguments: escapes)
    func escaping(_ text: String, _ expected: String) {
        #expect(JSONValue.string(text).description == expected)
    }

    @Test("readable output has a line for each member")
    func pretty() {
        let value: JSONValue = ["a": [1, []], "b": [:]]
        let expected = """
            {
              "a": [
                1,
                []
              ],
              "b": {}
            }
            """
        #expect(String(decoding: value.serialized(pretty: true), as: UTF8.self) == expected)
    }

    @Test("what is written is read back", arguments: 1...300)
    func roundTrip(seed: Int) throws {
        var random = SplitMix(seed)
        let value = random.value(depth: 4)
        #expect(try JSONValue.parse(value.serialized().span) == value)
        #expect(try read(value.serialized(pretty: true), .random(seed: seed)) == value)
    }

    @Test(
        "a mutated document never traps; what is still read is read alike at any cut",
        arguments: 1...300
    )
    func mutation(seed: Int) throws {
        var random = SplitMix(seed)
        var octets = random.value(depth: 3).serialized(pretty: seed.isMultiple(of: 2))
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let place = Int.random(in: 0..<octets.count, using: &random)
            switch Int.random(in: 0..<3, using: &random) {
            case 0: octets[place] = UInt8.random(in: 0...255, using: &random)
            case 1:
                octets.insert(random.bytes(1, of: Array("{}[]\",:\\u0d8-e.".utf8))[0], at: place)
            default: octets.remove(at: place)
            }
            if octets.isEmpty { octets = [48] }
        }
        let whole = Result { () throws(JSONError) in try read(octets, .whole, [["*"]]) }
        let cut = Result { () throws(JSONError) in try read(octets, .everyOctet, [["*"]]) }
        #expect(whole == cut)
        if let value = try? read(octets, .whole) {
            #expect(try JSONValue.parse(value.serialized().span) == value)
        }
    }
}

extension SplitMix {
    mutating func value(depth: Int) -> JSONValue {
        switch Int.random(in: 0..<(depth == 0 ? 5 : 7), using: &self) {
        case 0: return .null
        case 1: return .bool(Bool.random(using: &self))
        case 2: return .number(JSONNumber(Int.random(in: -9999...9999, using: &self)))
        case 3:
            let double = Double.random(in: -1e9...1e9, using: &self)
            return JSONNumber("\(double)").map(JSONValue.number) ?? .null
        case 4: return .string(text())
        case 5:
            let count = Int.random(in: 0...5, using: &self)
            return .array((0..<count).map { _ in value(depth: depth - 1) })
        default:
            var object = JSONObject()
            for _ in 0..<Int.random(in: 0...12, using: &self) {
                object[text()] = value(depth: depth - 1)
            }
            return .object(object)
        }
    }

    mutating func text() -> String {
        let alphabet: [Unicode.Scalar] = [
            "a", "\"", "\\", "\n", "\0", "é", "€", "😀", "/", "\u{2028}", " ",
        ]
        var text = String.UnicodeScalarView()
        for _ in 0..<Int.random(in: 0...40, using: &self) {
            text.append(alphabet[Int.random(in: 0..<alphabet.count, using: &self)])
        }
        return String(text)
    }
}
