import Mail
import Net
import Store
import Synchronization
import Wire

/// How many clients are told of events as they happen.
final class StreamCount: Sendable {
    private let open = Atomic<Int>(0)

    static let most = 100

    /// Nil when there are enough.
    func enter() -> StreamTicket? {
        guard open.add(1, ordering: .relaxed).newValue <= Self.most else {
            open.subtract(1, ordering: .relaxed)
            return nil
        }
        return StreamTicket(self)
    }

    fileprivate func leave() { open.subtract(1, ordering: .relaxed) }
}

/// One of them, as long as it lives.
final class StreamTicket: Sendable {
    private let count: StreamCount

    fileprivate init(_ count: StreamCount) { self.count = count }

    deinit { count.leave() }
}

/// The log of events as server-sent events (HTML Living Standard §9.2). It reads the log at the pace
/// of its client: a slow one makes it wait, and nothing piles up.
final class EventStream {
    private let api: API
    private let peer: IPAddress
    private var identity: Identity
    private var query: EventQuery
    private let ticket: StreamTicket
    /// The newest event when the log was last looked at.
    private var seen: Int64 = -1
    private var isFirst = true
    private var lastWord = ContinuousClock.now

    /// A silent stream shows that it lives, and finds out whether its client does.
    static let heartbeat = Duration.seconds(10)

    init(_ api: API, _ request: Request, _ query: EventQuery, _ ticket: StreamTicket) {
        self.api = api
        peer = request.peer
        identity = request.identity
        self.query = query
        self.ticket = ticket
    }

    /// The next octets, waited for; nil at the end.
    func next() async -> [UInt8]? {
        if isFirst {
            isFirst = false
            return say("retry: 3000\n\n")
        }
        while !api.isDraining {
            if let text = await news() { return isWelcome() ? say(text) : nil }
            if ContinuousClock.now - lastWord >= Self.heartbeat {
                guard isWelcome() else { return nil }
                return say(": \n\n")
            }
            guard await EventLoop.current?.sleep(for: .milliseconds(100)) ?? false else {
                return nil
            }
        }
        return nil
    }

    private func say(_ text: String) -> [UInt8] {
        lastWord = .now
        return Array(text.utf8)
    }

    /// Nil when nothing happened that this client may see.
    private func news() async -> String? {
        let newest = api.store.newestEvent
        guard newest != seen else { return nil }
        do throws(StoreError) {
            let page = try await api.store.eventPage(query)
            query.after = page.position
            if page.isEnd { seen = newest }
            guard !page.events.isEmpty else { return nil }
            return page.events.map(Self.text).joined()
        } catch {
            return nil
        }
    }

    private static func text(_ event: EventRecord) -> String {
        var json = JSONWriter()
        event.write(to: &json)
        let data = String(decoding: json.octets, as: UTF8.self)
        return "id: \(event.id)\nevent: \(event.type)\ndata: \(data)\n\n"
    }

    /// A key may end, or lose its scope, while it listens.
    private func isWelcome() -> Bool {
        if case .socket = identity.proof { return true }
        guard let now = try? api.directory.renewed(identity, from: peer, at: api.now) else {
            return false
        }
        identity = now
        return now.holds(.read)
    }
}
