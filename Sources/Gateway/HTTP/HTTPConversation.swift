import Glibc
import Mail
import Net
import Policy
import Store
import Wire

/// One HTTP connection, from its first request to its last (RFC 9112).
final class HTTPConversation {
    private let stream: Connection
    private let api: API
    /// As of the request at hand; nil for the control socket.
    private var connector: ReceiveConnector?
    /// Where the connector was last looked up.
    private var configuration: Configuration
    /// As of the request at hand.
    private var peer: IPAddress
    /// Where a balancer names the client of each request.
    private let forwarding: Forwarding?
    private var parser: HTTPRequestParser
    private let times: HTTPTimes
    /// When the body of the request at hand was first waited for, and how much of it is here.
    private var bodyBegun: ContinuousClock.Instant?
    private var bodyOctets = 0
    /// Of the connection, by the connector's `lifetime`; nil where it has none.
    private let end: ContinuousClock.Instant?

    init(
        _ stream: Connection,
        api: API,
        connector: ReceiveConnector?,
        peer: IPAddress,
        forwarding: Forwarding? = nil
    ) {
        self.stream = stream
        self.api = api
        self.connector = connector
        configuration = api.configuration
        self.peer = peer
        self.forwarding = forwarding
        let own = connector?.limits ?? .http
        times = HTTPTimes(own)
        end = own.lifetime == .zero ? nil : .now + own.lifetime
        // How much content is too much depends on the resource, so the resource says it.
        var limits = HTTPLimits()
        limits.bodyOctets = .max
        parser = HTTPRequestParser(limits: limits)
    }

    func converse() async throws(StreamError) {
        do throws(ConversationError) {
            while let head = try await nextHead() {
                try recognise(head)
                let body = ConnectionBody(self, head)
                let request = request(head, body)
                request.tls = stream.tls
                let answer = await api.answer(request)
                var exchange = HTTPExchange(head)
                exchange.keepsAlive =
                    head.keepsAlive && !answer.closesConnection && !api.isDraining && hasTime
                try await sendInConversation(answer, to: exchange)
                guard exchange.keepsAlive, await body.discardRest() else { break }
            }
        } catch .problem(let problem) {
            let answer = problem.answer(to: api.newRequestID())
            api.metrics.count(.http, status: answer.status)
            try await send(answer, to: .closing)
        } catch {
            if case .stream(let reason) = error { throw reason }
        }
        // Closing at once could destroy an answer the client has not read yet (RFC 9112 §9.6).
        await stream.finish(within: .seconds(1))
    }

    /// Who asks, and which connector serves them. A reload holds for the next request of an open
    /// connection.
    private func recognise(_ head: HTTPRequestHead) throws(ConversationError) {
        let current = api.configuration
        if let forwarding {
            configuration = current
            guard let client = forwarding.client(of: head, by: current.rulebook) else {
                throw .problem(
                    .malformed("X-Forwarded-For must list addresses, the client's first").closing
                )
            }
            peer = client
            let place = forwarding.place
            connector = current.rulebook.connector(at: place.local, port: place.port, for: client)
            guard connector != nil else { throw .problem(.notServed(client)) }
            return
        }
        guard connector != nil, current !== configuration, let local = IPAddress(stream.local)
        else { return }
        configuration = current
        let port = stream.local.port
        connector = current.rulebook.connector(at: local, port: port, for: peer)
        guard connector != nil else { throw .problem(.notServed(peer)) }
    }

    private func request(_ head: HTTPRequestHead, _ body: ConnectionBody) -> Request {
        Request(
            head: head,
            id: api.newRequestID(),
            connector: connector,
            peer: peer,
            isSecure: stream.tls != nil || stream.peer.isUnix,
            body: body,
            identity: connector == nil
                ? .localAdministrator(stream.peerCredentials?.uid ?? geteuid()) : .nobody
        )
    }

    private var hasTime: Bool { end.map { ContinuousClock.now < $0 } ?? true }

    /// Waits for a request's head; nil when the peer is done. Silence between requests is a quiet
    /// end, silence inside one is a 408.
    private func nextHead() async throws(ConversationError) -> HTTPRequestHead? {
        var begun: ContinuousClock.Instant?
        while true {
            switch try parsedEvent() {
            case .head(let head):
                (bodyBegun, bodyOctets) = (nil, 0)
                return head
            case .body, .end: continue
            case nil: break
            }
            let isIdle = parser.isIdle
            // The time for a head begins with its first octet, not with the silence before it.
            if !isIdle, begun == nil { begun = .now }
            let idle = end.map { min(times.idle, $0 - .now) } ?? times.idle
            let limit = begun.map { $0 + times.head - .now } ?? idle
            do throws(StreamError) {
                guard try await receive(within: limit, idle: isIdle) else { return nil }
            } catch .timedOut where !isIdle {
                throw .problem(.timedOut("the request's head"))
            } catch .timedOut {
                return nil
            } catch {
                throw .stream(error)
            }
        }
    }

    /// The next piece of the body of the request at hand; nil at its end. `awaitsContinue` is
    /// answered before anything is waited for (RFC 9110 §10.1.1).
    func nextBodyPiece(awaitsContinue: inout Bool) async throws(Problem) -> [UInt8]? {
        while true {
            switch try parsedBodyEvent() {
            case .body(let piece):
                bodyOctets += piece.count
                return piece
            case .end, .head: return nil
            case nil: break
            }
            if awaitsContinue {
                awaitsContinue = false
                try await sendContinue()
            }
            do throws(StreamError) {
                guard try await receive(within: try patience(), idle: false) else {
                    throw StreamError.closed
                }
            } catch .timedOut {
                throw .timedOut("the request's body")
            } catch {
                throw Problem.malformed("the connection ended inside the body").closing
            }
        }
    }

    /// How long the next piece of the body may take. A body that comes drop by drop ends, too: it has
    /// the time of an idle connection, and a second more for every 8 KB that arrived.
    private func patience() throws(StreamError) -> Duration {
        let begun = bodyBegun ?? .now
        bodyBegun = begun
        let whole = times.idle + .seconds(bodyOctets >> 13)
        let left = begun + whole - .now
        guard left > .zero else { throw .timedOut }
        return min(times.body, left)
    }

    private func sendContinue() async throws(Problem) {
        do {
            try await stream.send(HTTPResponse.goOn, within: times.body)
        } catch {
            throw Problem.malformed("the connection ended").closing
        }
    }

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
        within limit: Duration,
        idle: Bool
    ) async throws(StreamError) -> Bool {
        let received: Void? = try await stream.receive(within: limit, idle: idle) { octets in
            parser.receive(octets)
        }
        return received != nil
    }

    // MARK: Answers

    private func sendInConversation(
        _ answer: Answer,
        to exchange: HTTPExchange
    ) async throws(ConversationError) {
        do throws(StreamError) {
            try await send(answer, to: exchange)
        } catch {
            throw .stream(error)
        }
    }

    private func send(
        _ answer: Answer,
        to exchange: HTTPExchange
    ) async throws(StreamError) {
        switch answer.body {
        case .octets:
            try await stream.send(
                answer.octets(answering: exchange, date: api.httpDate),
                within: times.body
            )
        case .content(let content, let length):
            var head: [UInt8] = []
            _ = answer.head.begin(
                contentLength: length,
                answering: exchange,
                date: api.httpDate,
                to: &head
            )
            try await stream.send(head, within: times.body)
            if !exchange.isHead { try await send(content) }
        case .events(let events):
            try await send(events, answer.head, to: exchange)
        }
    }

    /// Piece by piece, without an end of its own: the client's or the connection's comes first.
    private func send(
        _ events: EventStream,
        _ head: HTTPResponse,
        to exchange: HTTPExchange
    ) async throws(StreamError) {
        var octets: [UInt8] = []
        let writer = head.begin(
            contentLength: nil,
            answering: exchange,
            date: api.httpDate,
            to: &octets
        )
        try await stream.send(octets, within: times.body)
        guard !exchange.isHead else { return }
        while hasTime, let piece = await events.next() {
            octets = []
            writer.write(piece.span, to: &octets)
            try await stream.send(octets, within: times.body)
        }
        octets = []
        writer.finish(to: &octets)
        if !octets.isEmpty { try await stream.send(octets, within: times.body) }
    }

    private func send(_ content: StoredContent) async throws(StreamError) {
        do {
            while let piece = try await content.next() {
                try await stream.send(piece, within: times.body)
            }
        } catch let error as StreamError {
            throw error
        } catch {
            // The length is promised already: only a broken connection tells the truth now.
            throw .closed
        }
    }
}
