import Net
import Wire

/// One request over a connection, and its answer.
enum HTTPExchangeClient {
    struct Response: Sendable {
        let status: Int
        let body: [UInt8]

        var json: JSONValue { (try? JSONValue.parse(body.span)) ?? .null }
        var text: String { String(decoding: body, as: UTF8.self) }
    }

    /// Sends a request and reads its answer to the end.
    static func exchange(
        _ request: HTTPRequest,
        _ content: [UInt8],
        on stream: Connection
    ) async throws -> Response {
        var octets: [UInt8] = []
        request.write(content.span, keepsAlive: false, to: &octets)
        try await stream.send(octets, within: .seconds(30))
        var parser = HTTPResponseParser()
        parser.expectResponse(to: request.method)
        var status = 0
        var body: [UInt8] = []
        while true {
            while let event = try parser.next() {
                switch event {
                case .head(let head): status = head.status
                case .body(let piece): body += piece
                case .end: return Response(status: status, body: body)
                }
            }
            // An order for a million messages takes its time.
            let received: Void? = try await stream.receive(within: .seconds(900)) {
                parser.receive($0)
            }
            if received == nil { parser.receiveEnd() }
        }
    }
}
