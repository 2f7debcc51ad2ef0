import Testing

@testable import Wire

@Suite("HTTP answers are read")
struct HTTPResponseParserTests {
    static let ok = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
    static let chunked =
        "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n0\r\nA: b\r\n\r\n"

    private func heads(_ reading: Reading<HTTPResponseEvent>) -> [HTTPResponseHead] {
        reading.events.compactMap { if case .head(let head) = $0 { head } else { nil } }
    }

    @Test("one after the other, the interim ones passed over")
    func sequence() throws {
        let stream =
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 \r\nLink: x\r\n\r\n\(Self.ok)\(Self.chunked)"
        let bytes = octets(stream)
        let whole = readResponses([bytes], expecting: [.post, .get])
        #expect(whole.error == nil)
        let heads = heads(whole)
        #expect(heads.map(\.status) == [200, 404])
        #expect(heads.map(\.reason) == ["OK", "Not Found"])
        #expect(whole.events[1] == .body(octets("hello")))
        #expect(whole.events[4] == .body(octets("abc")))
        #expect(whole.events.last == .end)
        for at in 0...bytes.count {
            #expect(readResponses(pieces(bytes, at: at), expecting: [.post, .get]) == whole)
        }
        #expect(readResponses(pieces(bytes, every: 1), expecting: [.post, .get]) == whole)
    }

    static let empty: [(String, HTTPMethod)] = [
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", .head),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", .head),
        ("HTTP/1.1 204 No Content\r\n\r\n", .get),
        ("HTTP/1.1 304\r\nContent-Length: 5\r\n\r\n", .get),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", .get),
    ]

    @Test("without content where HTTP has none", arguments: empty)
    func noContent(answer: String, method: HTTPMethod) {
        let reading = readResponses([octets(answer + Self.ok)], expecting: [method, .get])
        #expect(reading.error == nil)
        #expect(reading.events.count == 5)
        #expect(reading.events[1] == .end)
    }

    @Test("up to the end of the connection when nothing else ends them")
    func untilClose() {
        let bytes = octets("HTTP/1.0 200 OK\r\n\r\nall of it")
        let open = readResponses([bytes])
        #expect(open.error == nil)
        #expect(!open.events.contains(.end))
        let whole = readResponses([bytes], closed: true)
        #expect(whole.events.suffix(2) == [.body(octets("all of it")), .end])
        #expect(heads(whole).first?.keepsAlive == false)
        #expect(readResponses(pieces(bytes, every: 1), closed: true) == whole)
    }

    @Test("and not taken for whole when the connection ends before", arguments: 0..<ok.utf8.count)
    func truncated(at count: Int) {
        let reading = readResponses([[UInt8](octets(Self.ok)[..<count])], closed: true)
        #expect(reading.error?.status == 502)
        #expect(!reading.events.contains(.end))
    }

    static let broken = [
        "HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/2 200\r\n\r\n",
        "HTTP/1.1 099 X\r\n\r\n", "HTTP/1.1 600 X\r\n\r\n", "HTTP/1.1  200 OK\r\n\r\n",
        "HTTP/1.1 200OK\r\n\r\n", "HTTP/1.1 200 O\rK\r\n\r\n", "ICY 200 OK\r\n\r\n", "\r\n",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n+1\r\na\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 67108865\r\n\r\n",
        "HTTP/1.1 200 " + String(repeating: "K", count: 1100) + "\r\n\r\n",
        String(repeating: "HTTP/1.1 100 Continue\r\n\r\n", count: 17),
    ]

    @Test("a broken one is refused however it is cut", arguments: broken)
    func refusal(answer: String) {
        let bytes = octets(answer)
        let whole = readResponses([bytes])
        #expect(whole.error?.status == 502)
        #expect(readResponses(pieces(bytes, every: 1)) == whole)
    }

    @Test("one that nobody asked for is refused")
    func unsolicited() {
        #expect(readResponses([octets(Self.ok + Self.ok)]).error != nil)
        let closing = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        #expect(readResponses([octets(closing + Self.ok)], expecting: [.get, .get]).error != nil)
    }

    @Test("garbage traps nothing and reads alike however it is cut", arguments: 0..<150)
    func mutations(seed: Int) {
        var generator = SeededGenerator(seed)
        var bytes = octets(Self.chunked + Self.ok)
        for _ in 0..<Int.random(in: 1...5, using: &generator) {
            let index = Int.random(in: 0..<bytes.count, using: &generator)
            bytes[index] = octets("\r\n:;0 9a\u{0}").randomElement(using: &generator) ?? 0
        }
        let whole = readResponses([bytes], expecting: [.get, .get], closed: true)
        #expect(
            readResponses(pieces(bytes, every: 1), expecting: [.get, .get], closed: true) == whole
        )
    }
}
