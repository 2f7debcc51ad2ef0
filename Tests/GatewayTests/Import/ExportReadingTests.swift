import Testing
import Wire

@testable import Gateway

@Suite("Reading exports")
struct ExportReadingTests {
    private func failure(_ text: String) -> String? {
        failure(Array(text.utf8))
    }

    private func failure(_ octets: [UInt8]) -> String? {
        do throws(ImportFailure) {
            _ = try ExchangeExport.records(in: octets, file: "x")
            return nil
        } catch {
            return error.description
        }
    }

    @Test("UTF-8 and UTF-16, with a byte order mark and without")
    func encodings() throws {
        let text = #"[{"DomainName": "münchen.example", "DomainType": 2}]"#
        let utf16 = Array(text.utf16)
        let little = utf16.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }
        let big = utf16.flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] }
        for octets in [
            Array(text.utf8), [0xef, 0xbb, 0xbf] + Array(text.utf8), little, [0xff, 0xfe] + little,
            big, [0xfe, 0xff] + big,
        ] {
            let records = try ExchangeExport.records(in: octets, file: "x")
            #expect(records.map(\.cmdlet) == [.acceptedDomain])
            #expect(records[0]["DomainName"] == "münchen.example")
        }
    }

    static let broken: [(String, String)] = [
        ("", "x: is empty"), (" \r\n", "x: is empty"),
        ("[{]", "x:1:3: "), ("{\"a\":\n1,}", "x:2:3: "),
        ("[1]", "x: [0]: must be an object, not a number"),
        (#"[{"DomainName":"a","DomainType":0},{"Name":"b"}]"#, "x: [1]: is the output of none of"),
        (#"{"Name":"b"}"#, "x: is the output of none of"),
        ("Name,Enabled\r\nb,True\r\n", "x:2: is the output of none of"),
        ("DomainName,DomainType\r\na.example\r\n", "x:2: has 1 fields where the header names 2"),
        ("DomainName,DomainType\r\n\"a.example,0\r\n", "x:2: a quoted field that begins here"),
        ("DomainName,DomainType\r\n\"a\"b,0\r\n", "x:2: a quoted field is followed by"),
        ("#TYPE x\r\n", "x: holds no header line"),
    ]

    @Test("what is wrong is named with file and place", arguments: broken)
    func errors(text: String, expected: String) {
        #expect(failure(text)?.hasPrefix(expected) == true, "\(failure(text) ?? "nothing")")
    }

    @Test("octets of another encoding are refused with the cure")
    func otherEncoding() {
        #expect(failure([0x22, 0xfc, 0x22])?.contains("-Encoding UTF8") == true)
        #expect(failure([0xff, 0xfe, 0x41])?.contains("-Encoding UTF8") == true)
    }

    @Test("a table's fields may hold separators, quotes and line ends; ; separates where it must")
    func tables() throws {
        let table = try CSVTable(
            parsing: "#TYPE T\r\n\"a\",b\r\n\"1,2\",\"say \"\"hi\"\"\r\nthere\"\r\n\r\n,x"
        )
        #expect(table.header == ["a", "b"])
        #expect(table.rows.map(\.fields) == [["1,2", "say \"hi\"\r\nthere"], ["", "x"]])
        #expect(table.rows.map(\.line) == [3, 6])
        #expect(try CSVTable(parsing: "a;b\n1,5;2\n").rows.map(\.fields) == [["1,5", "2"]])
    }

    @Test("no text makes the reader stumble")
    func garbage() {
        var counter = UInt64(7)
        let alphabet = Array(#"[]{}:,;"\aé01.\#r\#n "#.utf8)
        for _ in 0..<2000 {
            var octets: [UInt8] = []
            for _ in 0..<24 {
                counter = counter &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                octets.append(alphabet[Int(counter >> 33) % alphabet.count])
            }
            _ = failure(octets)
        }
    }

    static let sizes: [(String, Int?)] = [
        ("36 MB (37,748,736 bytes)", 37_748_736), ("36 MB (37.748.736 bytes)", 37_748_736),
        ("64 KB (65\u{a0}536 bytes)", 65_536), ("36MB", 37_748_736), ("256 KB", 262_144),
        ("1000", 1000), ("0 B (0 bytes)", 0), ("many", nil), ("()", nil),
        ("9 EB (99999999999999999999 bytes)", nil),
    ]

    @Test("sizes", arguments: sizes)
    func size(text: String, expected: Int?) {
        #expect(ExchangeQuantity.octets(text) == expected)
    }

    static let spans: [(String, Duration?)] = [
        ("00:10:00", .seconds(600)), ("1.00:00:05", .seconds(86_405)),
        ("00:00:05.5000000", .seconds(5)), ("24:00:00", nil), ("00:60:00", nil), ("10:00", nil),
        ("-00:00:01", nil), ("1.2.00:00:00", nil), ("99999999999999999999.00:00:00", nil),
        ("::", nil),
    ]

    @Test("time spans", arguments: spans)
    func span(text: String, expected: Duration?) {
        #expect(ExchangeQuantity.duration(text) == expected)
    }
}
