import Mail
package import Net
package import Policy
import Store
import Wire

/// One HTTP connection, from its first request to its last (RFC 9112).
final class HTTPConversation {
    private let stream: Connection
    private let api: API
    private let connector: ReceiveConnector?
    private let peer: IPAddress
    private var parser: HTTPRequestParser
    private let times: HTTPTimes

    init(
        _ stream: Connection, api: API, connector: ReceiveConnector?, peer: IPAddress
    ) {
        self.stream = stream
        self.api = api
        self.connector = connector
        self.peer = peer
        times = HTTPTimes(connector?.limits ?? .http)
        parser = HTTPRequestParser(limits: HTTPLimits())
    }

    func converse() async throws(StreamError) {
        do {
            while let head = try await nextHead() {
                let body = ConnectionBody(self, head)
                let answer = await api.answer(request(head, body))
                let continues = head.keepsAlive && !answer.closesConnection && !api.isDraining
                try await send(answer, to: head, continues: continues)
                guard continues, await body.discardRest() else { break }
            }
        } catch .problem(let problem) {
            let answer = problem.answer(instance: api.newRequestID().description)
            api.metrics.count(.http, status: answer.status)
            try await send(answer, to: nil, continues: false)
        } catch .stream(let error) {
            throw error
        }
        await linger()
    }

    private func request(_ head: HTTPRequestHead, _ body: ConnectionBody) -> Request {
        Request(
            head: head, id: api.newRequestID(), connector: connector, peer: peer,
            isSecure: stream.tls != nil || stream.peer.isUnix, body: body,
            identity: connector == nil ? .localAdministrator : .nobody)
    }

    /// Waits for a request's head; nil when the peer is done. Silence between requests is a quiet
    /// end, silence inside one is a 408.
    private func nextHead() async throws(ConversationError) -> HTTPRequestHead? {
        var isIdle = !parser.hasBufferedOctets
        let deadline = ContinuousClock.now + times.head
        while true {
            switch try parsedEvent() {
            case .head(let head): return head
            case .body, .end: continue
            case nil: break
            }
            let limit = isIdle ? times.idle : deadline - .now
            do throws(StreamError) {
                guard try await receive(within: limit, idle: isIdle) else { return nil }
            } catch .timedOut where !isIdle {
                throw .problem(.timedOut("the request's head"))
            } catch .timedOut {
                return nil
            } catch {
                throw .stream(error)
            }
            isIdle = false
        }
    }

    /// The next piece of the body of the request at hand; nil at its end.
    func nextBodyPiece() async throws(Problem) -> [UInt8]? {
        while true {
            switch try parsedBodyEvent() {
            case .body(let piece): return piece
            case .end, .head: return nil
            case nil: break
            }
            do throws(StreamError) {
                guard try await receive(within: times.body, idle: false) else {
                    throw StreamError.closed
                }
            } catch .timedOut {
                throw .timedOut("the request's body")
            } catch {
                throw Problem.malformed("the connection ended inside the body").closing
            }
        }
    }

    /// RFC 9110 §10.1.1: the client waits for this before it sends the body.
    func sendContinue() async throws(Problem) {
        do {
            try await stream.send(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8), within: times.body)
        } catch {
            throw Problem.malformed("the connection ended").closing
        }
    }

    var hasBufferedOctets: Bool { parser.hasBufferedOctets }

    private func parsedEvent() throws(ConversationError) -> HTTPRequestEvent? {
        do {
            return try parser.next()
        } catch {
            throw .problem(Problem(error))
        }
    }

    private func parsedBodyEvent() throws(Problem) -> HTTPRequestEvent? {
        do {
            return try parser.next()
        } catch {
            throw Problem(error)
        }
    }

    private func receive(
        within limit: Duration, idle: Bool
    ) async throws(StreamError) -> Bool {
        let received: Void? = try await stream.receive(within: limit, idle: idle) { octets in
            parser.receive(octets)
        }
        return received != nil
    }

    // MARK: Answers

    private func send(
        _ answer: Answer, to head: HTTPRequestHead?, continues: Bool
    ) async throws(StreamError) {
        let isHead = head?.method == "HEAD"
        var response = HTTPResponseHead(status: answer.status)
        response.fields = answer.fields
        response.fields.append(("Date", api.httpDate))
        if !continues { response.fields.append(("Connection", "close")) }
        switch answer.body {
        case .octets(let body):
            try await stream.send(
                response.serialized(with: body, omittingBody: isHead), within: times.body)
        case .content(let reader):
            try await stream.send(
                response.serialized(contentLength: reader.octets), within: times.body)
            if !isHead { try await send(reader) }
        }
    }

    private func send(_ reader: ContentReader) async throws(StreamError) {
        do {
            while let piece = try await reader.next() {
                try await stream.send(piece, within: times.body)
            }
        } catch let error as StreamError {
            throw error
        } catch {
            // The length is promised already: only a broken connection tells the truth now.
            throw .closed
        }
    }

    /// Closing at once would let the kernel discard an answer the client has not read yet
    /// (RFC 9112 §9.6), so what still comes is read and thrown away for a moment.
    private func linger() async {
        stream.finishSending()
        let deadline = ContinuousClock.now + .seconds(1)
        var rest = 1 << 20
        while rest > 0, ContinuousClock.now < deadline {
            let count = try? await stream.receive(within: deadline - .now) { $0.count }
            guard case .some(.some(let count)) = count else { return }
            rest -= count
        }
    }
}

/// How long a client may take. Sizes are bounded by the parser.
private struct HTTPTimes {
    let idle: Duration
    let head: Duration = .seconds(15)
    let body: Duration = .seconds(30)

    init(_ limits: ReceiveLimits) {
        idle = limits.inactivity == .zero ? .seconds(86_400) : limits.inactivity
    }
}

/// A conversation ends by what the client said, or by the connection.
private enum ConversationError: Error {
    case problem(Problem)
    case stream(StreamError)
}

extension Problem {
    static func timedOut(_ what: String) -> Problem {
        Problem(408, "request_timeout", "\(what) did not arrive in time").closing
    }

    init(_ error: HTTPParseError) {
        let code =
            switch error.status {
            case 413: "payload_too_large"
            case 414: "uri_too_long"
            case 431: "headers_too_large"
            case 501: "not_implemented"
            case 505: "version_not_supported"
            default: "malformed_request"
            }
        self = Problem(error.status, code, error.reason).closing
    }
}
