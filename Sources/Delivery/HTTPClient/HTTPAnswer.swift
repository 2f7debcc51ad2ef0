package import Wire

package struct HTTPAnswer: Sendable {
    package let status: Int
    package let fields: HTTPFields
    package let content: [UInt8]

    package var isSuccess: Bool { status / 100 == 2 }
}

/// An answer while it arrives.
struct AnswerReading {
    private var parser: HTTPResponseParser
    private let most: Int
    private var head: HTTPResponseHead?
    private var content: [UInt8] = []

    init(to method: HTTPMethod, most: Int) {
        var limits = HTTPLimits()
        limits.bodyOctets = most
        parser = HTTPResponseParser(limits: limits)
        parser.expectResponse(to: method)
        self.most = most
    }

    mutating func receive(_ octets: Span<UInt8>) { parser.receive(octets) }
    mutating func receiveEnd() { parser.receiveEnd() }

    /// Nil until more octets arrive.
    mutating func next() throws(HTTPParseError) -> HTTPAnswer? {
        while let event = try parser.next() {
            switch event {
            case .head(let head): self.head = head
            case .body(let piece):
                content += piece
                guard content.count <= most else {
                    throw HTTPParseError(status: 502, "the content is longer than \(most) octets")
                }
            case .end:
                guard let head else { continue }
                return HTTPAnswer(status: head.status, fields: head.fields, content: content)
            }
        }
        return nil
    }
}
