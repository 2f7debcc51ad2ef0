import Testing
import Wire

@testable import Gateway

@Suite("A form's fields")
struct FormReaderTests {
    private func form(_ json: String) throws -> FormReader {
        let octets = Array(json.utf8)
        return try #require(FormReader(try JSONValue.parse(octets.span), at: "/here"))
    }

    @Test("a number is whole and within its range")
    func integer() throws {
        for (text, expected) in [("5", 5), ("5.0", 5), ("1", 1), ("9", 9)] {
            var form = try form("{\"n\":\(text)}")
            let number = form.integer("n", in: 1...9)
            #expect(number == expected, "\(text)")
            #expect(form.problems.isEmpty)
        }
        for text in ["0", "10", "5.5", "\"5\"", "true", "1e99", "-1"] {
            var form = try form("{\"n\":\(text)}")
            let number = form.integer("n", in: 1...9)
            #expect(number == nil, "\(text)")
            #expect(form.problems.map(\.pointer) == ["/here/n"])
        }
    }

    @Test("what nobody asked for is unknown, whatever was asked in vain")
    func unknown() throws {
        var form = try form(#"{"a":1,"b":2}"#)
        _ = form.value("a")
        _ = form.string("c")
        form.finish()
        #expect(form.problems.map(\.pointer) == ["/here/b"])
    }

    @Test("given is more than null")
    func given() throws {
        var form = try form(#"{"a":null}"#)
        let (isGiven, isOther, value) = (form.isGiven("a"), form.isGiven("b"), form.value("a"))
        #expect(isGiven && !isOther && value == nil)
        form.finish()
        #expect(form.problems.isEmpty)
    }

    @Test("lengths are counted in octets")
    func length() throws {
        var form = try form(#"{"a":"üü"}"#)
        let (fitting, cut) = (form.string("a", maximum: 4), form.string("a", maximum: 3))
        #expect(fitting == "üü" && cut == nil)
        #expect(form.problems.map(\.code) == ["too_long"])
    }
}
