import Oracles
import Testing

@testable import Wire

private func gunzip(_ pieces: [[UInt8]], limit: Int = 1 << 24, room: Int = .max) throws -> [UInt8] {
    var reader = GzipReader(limit: limit)
    var output: [UInt8] = []
    for piece in pieces {
        var used = 0
        while used < piece.count {
            var some: [UInt8] = []
            used += try reader.inflate(
                piece.span.extracting(used..<piece.count),
                into: &some,
                upTo: room
            )
            #expect(room == .max || some.count <= room + 257)
            output += some
        }
    }
    try reader.finish()
    return output
}

private let crcOfHello: [UInt8] = [0x86, 0xA6, 0x10, 0x36]
/// "hello" in one stored block.
private let stored: [UInt8] = [1, 5, 0, 0xFA, 0xFF] + octets("hello")
private let plainHeader: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF]
private let hello = plainHeader + stored + crcOfHello + [5, 0, 0, 0]

@Suite("gzip is decompressed", .serialized)
struct GzipReaderTests {
    static let contents: [(String, [UInt8])] = [
        ("nothing", []), ("one octet", [7]),
        ("text", octets(String(repeating: "Postern mail. ", count: 90))),
        ("a run", [UInt8](repeating: 65, count: 70_000)),
        ("noise", noise(5000, of: 256)), ("few symbols", noise(10_000, of: 5)),
        // Longer than the window, so that it has to slide.
        ("far copies", (0..<4).flatMap { _ in noise(32_000, of: 256) } + octets("end")),
    ]

    static func noise(_ count: Int, of symbols: Int) -> [UInt8] {
        var generator = SeededGenerator(symbols)
        return (0..<count).map { _ in UInt8(Int.random(in: 0..<symbols, using: &generator)) }
    }

    @Test("as the gzip command wrote it", arguments: contents)
    func command(name: String, content: [UInt8]) throws {
        let stream = try answer(of: ["gzip", "-c"], given: content)
        #expect(try gunzip([stream]) == content)
        #expect(try gunzip(pieces(stream, every: stream.count < 5000 ? 1 : 997)) == content)
        #expect(try gunzip(pieces(stream, every: 300), room: 100) == content)
    }

    static let strategies = ["Z_FIXED", "Z_HUFFMAN_ONLY", "Z_RLE", "Z_DEFAULT_STRATEGY"]

    @Test("by every strategy of zlib, flushed in between", arguments: strategies)
    func strategy(name: String) throws {
        let script = """
            import sys, zlib
            data = sys.stdin.buffer.read()
            c = zlib.compressobj(6, zlib.DEFLATED, 31, 8, zlib.\(name))
            for i in range(0, len(data), 2000):
                part = c.compress(data[i:i + 2000]) + c.flush(zlib.Z_FULL_FLUSH)
                sys.stdout.buffer.write(part)
            sys.stdout.buffer.write(c.flush())
            """
        let content =
            Self.noise(9000, of: 40) + octets(String(repeating: "abcabcabd", count: 300))
        let stream = try answer(of: ["python3", "-c", script], given: content)
        #expect(try gunzip([stream]) == content)
        #expect(try gunzip(pieces(stream, every: 1)) == content)
        #expect(try gunzip(pieces(stream, every: 11), room: 100) == content)
    }

    @Test("cut anywhere")
    func cuts() throws {
        let content = octets("To: a@b\r\nSubject: hello hello hello\r\n\r\nhello, hello")
        let stream = try answer(of: ["gzip", "-c"], given: content)
        for at in 0...stream.count { #expect(try gunzip(pieces(stream, at: at)) == content) }
        for count in 0..<stream.count {
            #expect(throws: InflateError.truncated) { try gunzip([[UInt8](stream[..<count])]) }
        }
    }

    private static let flagged: [UInt8] =
        [0x1F, 0x8B, 8, 0x1F, 1, 2, 3, 4, 2, 3, 2, 0, 0x61, 0x62] + octets("name\u{0}comment\u{0}")

    @Test("with every part a header can have, and several members")
    func headers() throws {
        // The lower half of the header's CRC-32, by zlib.
        let script =
            "import sys,zlib;d=sys.stdin.buffer.read();"
            + "sys.stdout.buffer.write((zlib.crc32(d)&0xffff).to_bytes(2,'little'))"
        let checksum = try answer(of: ["python3", "-c", script], given: Self.flagged)
        let tail = stored + crcOfHello + [5, 0, 0, 0]
        let stream = Self.flagged + checksum + tail
        #expect(try gunzip([stream]) == octets("hello"))
        let twice = stream + hello
        for at in 0...twice.count {
            #expect(try gunzip(pieces(twice, at: at)) == octets("hellohello"))
        }
        let wrong = Self.flagged + [checksum[0] ^ 1, checksum[1]] + tail
        #expect(throws: InflateError.self) { try gunzip([wrong]) }
        let noLength: [UInt8] = [0x1F, 0x8B, 8, 4, 0, 0, 0, 0, 0, 0, 0, 0]
        #expect(try gunzip([noLength + tail]) == octets("hello"))
    }

    static let broken: [(String, [UInt8])] = [
        ("magic", [0x1F, 0x8C] + hello.dropFirst(2)),
        ("method", [0x1F, 0x8B, 7] + hello.dropFirst(3)),
        ("flags", [0x1F, 0x8B, 8, 0x20] + hello.dropFirst(4)),
        ("checksum", plainHeader + stored + [0, 0, 0, 0, 5, 0, 0, 0]),
        ("size", plainHeader + stored + crcOfHello + [6, 0, 0, 0]), ("tail", hello + [0]),
        ("stored length", plainHeader + [1, 5, 0, 0xFB, 0xFF] + octets("hello")),
        ("block type", plainHeader + [7, 0, 0, 0, 0]),
        ("copy from nowhere", plainHeader + [0x03, 0x02, 0, 0, 0, 0]),
        ("reserved length", plainHeader + [0x1B, 0x03, 0, 0, 0, 0]),
        ("too many symbols", plainHeader + [0xFD, 0xFF, 0xFF, 0xFF]),
        (
            "impossible code", plainHeader + [0x05, 0xE0] + [UInt8](repeating: 0xFF, count: 12)
        ),
        (
            "long name",
            [0x1F, 0x8B, 8, 8, 0, 0, 0, 0, 0, 0] + [UInt8](repeating: 65, count: 70_000)
        ),
    ]

    @Test("or refused", arguments: broken)
    func refusal(of name: String, stream: [UInt8]) {
        let whole = #expect(throws: InflateError.self) { try gunzip([stream]) }
        let cut = #expect(throws: InflateError.self) { try gunzip(pieces(stream, every: 1)) }
        #expect(whole == cut)
        guard case .corrupt = whole else { return #expect(Bool(false), "\(name): \(whole as Any)") }
    }

    @Test("and never beyond its limit")
    func bomb() throws {
        let script = "import sys,gzip;sys.stdout.buffer.write(gzip.compress(bytes(50_000_000)))"
        let stream = try answer(of: ["python3", "-c", script], given: [])
        #expect(stream.count < 60_000)
        var reader = GzipReader(limit: 100_000)
        var output: [UInt8] = []
        #expect(throws: InflateError.tooLarge(limit: 100_000)) {
            try reader.inflate(stream.span, into: &output)
        }
        #expect(output.count <= 100_000)
        let small = try answer(of: ["gzip", "-c"], given: [UInt8](repeating: 1, count: 1000))
        #expect(try gunzip([small], limit: 1000).count == 1000)
        #expect(throws: InflateError.tooLarge(limit: 999)) { try gunzip([small], limit: 999) }
        #expect(throws: InflateError.tooLarge(limit: 9)) { try gunzip([hello + hello], limit: 9) }
    }

    @Test("garbage traps nothing", arguments: 0..<200)
    func mutations(seed: Int) throws {
        var generator = SeededGenerator(seed)
        var stream = Self.garden[seed % Self.garden.count]
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
            let index = Int.random(in: 10..<stream.count, using: &generator)
            stream[index] = UInt8.random(in: 0...255, using: &generator)
        }
        let size = Int.random(in: 1...9, using: &generator)
        let whole = Result { try gunzip([stream], limit: 1 << 20) }
        let cut = Result { try gunzip(pieces(stream, every: size), limit: 1 << 20) }
        switch (whole, cut) {
        case (.success(let left), .success(let right)): #expect(left == right)
        case (.failure, .failure): break
        default: #expect(Bool(false), "cutting changed the outcome")
        }
    }

    /// Streams to be damaged: stored, fixed and dynamic.
    private static let garden: [[UInt8]] = {
        let text = octets(String(repeating: "alert: disk full on db1\n", count: 20))
        let dynamic = (try? answer(of: ["gzip", "-c"], given: text + noise(400, of: 30))) ?? hello
        let fixed = (try? answer(of: ["gzip", "-c"], given: octets("hello hello hello"))) ?? hello
        return [hello, dynamic, fixed]
    }()
}
