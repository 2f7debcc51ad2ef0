import Store
import Wire

/// A stored mail on its way out. Its first piece is read before anything is promised.
final class StoredContent {
    private let reader: ContentReader
    private var first: [UInt8]?

    /// Throws `.notFound` when the content is no longer kept.
    init(_ reader: ContentReader) async throws(StoreError) {
        self.reader = reader
        first = try await reader.next()
    }

    func next() async throws(StoreError) -> [UInt8]? {
        guard let piece = first else { return try await reader.next() }
        first = nil
        return piece
    }
}

/// What a handler says; the door adds what every answer carries.
struct Answer {
    enum Body {
        case octets([UInt8])
        /// A stored mail, sent piece by piece.
        case content(StoredContent, octets: Int)
        /// Events as they happen, until the client has enough.
        case events(EventStream)
    }

    var status: Int
    var fields: [(name: String, value: String)]
    var body: Body
    var closesConnection = false

    init(_ status: Int, _ mediaType: String, _ body: [UInt8]) {
        self.status = status
        fields = [("Content-Type", mediaType)]
        self.body = .octets(body)
    }

    static func json(_ status: Int = 200, _ write: (inout JSONWriter) -> Void) -> Answer {
        var writer = JSONWriter()
        write(&writer)
        return Answer(status, "application/json", writer.octets)
    }

    static var noContent: Answer {
        var answer = Answer(204, "", [])
        answer.fields = []
        return answer
    }

    /// Status and fields, ready to be written.
    var head: HTTPResponse {
        var head = HTTPResponse(status)
        for (name, value) in fields { head.append(name, value) }
        return head
    }

    /// The whole answer in one buffer; content from the store is not in it.
    func octets(answering exchange: HTTPExchange, date: String) -> [UInt8] {
        var output: [UInt8] = []
        if case .octets(let content) = body {
            head.write(content.span, answering: exchange, date: date, to: &output)
        }
        return output
    }

    func with(_ name: String, _ value: String) -> Answer {
        var copy = self
        copy.fields.append((name, value))
        return copy
    }
}
