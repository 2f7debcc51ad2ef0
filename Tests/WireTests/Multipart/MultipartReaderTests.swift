import Mail
import Testing

@testable import Wire

private struct Part: Equatable {
    var name: String?
    var filename: String?
    var type: String?
    var content: [UInt8] = []
    var isWhole = false
}

private struct Outcome: Equatable {
    var parts: [Part] = []
    var ended = false
    var error: MultipartError?
}

private func read(
    _ pieces: [[UInt8]],
    boundary: String = "b",
    _ limits: MultipartLimits = MultipartLimits()
) -> Outcome {
    var reader = MultipartReader(boundary: boundary, limits: limits)
    var outcome = Outcome()
    do {
        for piece in pieces {
            reader.receive(piece.span)
            while let event = try reader.next() {
                switch event {
                case .part(let part):
                    outcome.parts.append(
                        Part(
                            name: part.name,
                            filename: part.filename,
                            type: part.contentType?.essence
                        )
                    )
                case .body(let octets):
                    #expect(!octets.isEmpty)
                    outcome.parts[outcome.parts.count - 1].content += octets
                case .partEnd: outcome.parts[outcome.parts.count - 1].isWhole = true
                case .end: outcome.ended = true
                }
            }
        }
        try reader.finish()
    } catch {
        outcome.error = error
    }
    return outcome
}

@Suite("A multipart body is taken apart")
struct MultipartReaderTests {
    static let form = """
        preamble\r
        --b\r
        Content-Disposition: form-data; name="subject"\r
        \r
        Hello\r
        --b \t\r
        content-disposition: form-data; name="file"; filename="C:\\logs\\a \\"1\\".txt"\r
        Content-Type: text/plain; charset=utf-8\r
        \r
        \r
        -- \r\n--\r\n-b\r\r
        --b\r
        Content-Disposition: form-data; name=e; filename*=UTF-8''%e2%82%ac%20rates.csv; filename="x"\r
        \r
        \r
        --b--\r
        epilogue\r
        --b\r

        """

    private static let expected = [
        Part(name: "subject", content: octets("Hello"), isWhole: true),
        Part(
            name: "file",
            filename: "a \"1\".txt",
            type: "text/plain",
            content: octets("\r\n-- \r\n--\r\n-b\r"),
            isWhole: true
        ),
        Part(name: "e", filename: "€ rates.csv", isWhole: true),
    ]

    @Test("into its parts, however it is cut")
    func parts() {
        let bytes = octets(Self.form)
        let whole = read([bytes])
        #expect(whole.error == nil)
        #expect(whole.ended)
        #expect(whole.parts == Self.expected)
        for at in 0...bytes.count { #expect(read(pieces(bytes, at: at)) == whole, "cut at \(at)") }
        for size in 1...7 { #expect(read(pieces(bytes, every: size)) == whole) }
    }

    static let whole: [(String, [String])] = [
        ("--b--", []), ("--b--\r\n", []), ("x\r\n--b--", []), ("--b\r\n\r\nx\r\n--b--", ["x"]),
        ("--b\r\n\r\n\r\n--b--", [""]), ("--b\r\nA: b\r\n\r\n--b--", [""]),
        ("--b\r\n\r\n--b\r\n\r\ny\r\n--b--", ["", "y"]), ("--b\r\n\r\n--a\r\n--b--", ["--a"]),
        ("\r\n--b\r\n\r\n\r\n\r\n--b--", ["\r\n"]), ("--b\r\n\r\n x--b\r\n--b--", [" x--b"]),
        ("--b\r\n\r\n\r\n-\r\n--\r\n--a\r\n--b--", ["\r\n-\r\n--\r\n--a"]),
    ]

    @Test("with and without content", arguments: whole)
    func contents(body: String, expected: [String]) {
        let bytes = octets(body)
        for at in 0...bytes.count {
            let outcome = read(pieces(bytes, at: at))
            #expect(outcome.error == nil)
            #expect(outcome.ended)
            #expect(outcome.parts.map { text($0.content) } == expected)
            #expect(outcome.parts.allSatisfy { $0.isWhole })
        }
    }

    static let broken = [
        "", "x", "--b", "--b\r\n", "--b\r\n\r\nx", "--b\r\n\r\nx\r\n--b", "--b\r\n\r\nx\r\n--b-",
        "--bx\r\n\r\n", "--b-x", "--b \r\r", "--b\n\nx\n--b--", "--b\r\nA : b\r\n\r\nx\r\n--b--",
        "--b\r\nA\r\n\r\nx\r\n--b--", "--b\r\n\r\nx\r\n--b --", "--b\r\n\r\nx\r\n--bc",
        "--b" + String(repeating: " ", count: 100) + "\r\n\r\n--b--",
    ]

    @Test("or refused", arguments: broken)
    func refusal(body: String) {
        let bytes = octets(body)
        let whole = read([bytes])
        #expect(whole.error != nil)
        for at in 0...bytes.count { #expect(read(pieces(bytes, at: at)) == whole) }
    }

    @Test("within its limits")
    func limits() {
        var limits = MultipartLimits()
        limits.parts = 2
        limits.headerOctets = 20
        limits.headerFields = 2
        limits.surroundingOctets = 10
        func error(_ body: String) -> MultipartError? { read([octets(body)], limits).error }
        func read(_ pieces: [[UInt8]], _ limits: MultipartLimits) -> Outcome {
            WireTests.read(pieces, boundary: "b", limits)
        }
        let part = "--b\r\n\r\nx\r\n"
        #expect(error(part + part + "--b--") == nil)
        #expect(error(part + part + part + "--b--") != nil)
        #expect(error("--b\r\nA: b\r\nC: d\r\n\r\nx\r\n--b--") == nil)
        #expect(error("--b\r\nA: b\r\nC: d\r\nE: f\r\n\r\nx\r\n--b--") != nil)
        #expect(error("--b\r\nA: bbbbbbbbbbbbbbbbbbbb\r\n\r\nx\r\n--b--") != nil)
        #expect(error("--b--1234567890") == nil)
        #expect(error("--b--12345678901") != nil)
        #expect(error("12345678901234\r\n--b--") != nil)
    }

    static let names: [(String, String?, String?)] = [
        ("form-data; name=a", "a", nil), ("form-data", nil, nil), ("form-data; name=\"\"", "", nil),
        ("form-data; name=\"a\"; filename=\"../../etc/passwd\"", "a", "passwd"),
        ("form-data; name=\"a\"; filename=\"\"", "a", ""),
        ("form-data; name=\"ä\"; filename=my report.pdf", "ä", "my report.pdf"),
        ("attachment; filename*=iso-8859-1'en'%A3%20rates", nil, "£ rates"),
        ("attachment; filename=x; filename*=utf-16''a", nil, "x"),
        ("attachment; filename=x; filename*=UTF-8''%FF", nil, "x"),
        ("attachment; filename=x; filename*=UTF-8''a%2Fb", nil, "b"),
        ("form-data; name=\"a", nil, nil),
        ("", nil, nil),
    ]

    @Test("names and file names are read, paths are not", arguments: names)
    func disposition(value: String, name: String?, filename: String?) {
        let body = "--b\r\nContent-Disposition: \(value)\r\n\r\nx\r\n--b--"
        let part = read([octets(body)]).parts.first
        #expect(part?.name == name)
        #expect(part?.filename == filename)
    }

    @Test("garbage traps nothing and reads alike however it is cut", arguments: 0..<200)
    func mutations(seed: Int) {
        var generator = SeededGenerator(seed)
        var bytes = octets(Self.form)
        for _ in 0..<Int.random(in: 1...6, using: &generator) {
            let index = Int.random(in: 0..<bytes.count, using: &generator)
            bytes[index] = octets("\r\n-b:;\"= ").randomElement(using: &generator) ?? 0
        }
        let whole = read([bytes])
        #expect(read(pieces(bytes, every: 1)) == whole)
        #expect(read(pieces(bytes, every: Int.random(in: 2...30, using: &generator))) == whole)
    }
}
