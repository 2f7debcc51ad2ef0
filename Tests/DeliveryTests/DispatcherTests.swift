import Mail
import Net
import Synchronization
import Testing

@testable import Delivery
@testable import Policy
@testable import Store

private let loops = EventLoops(count: 2)

/// A store in a directory of its own, a dispatcher on it, and what they have said.
private final class Office: Sendable {
    let store: MailStore
    let dispatcher: Dispatcher
    let settled = Mutex<[SettledRecipient]>([])
    private let notices = Notices()
    private let ear: Ear

    /// Hears before the office itself is complete.
    private final class Ear: Sendable {
        let settled = Mutex<[SettledRecipient]>([])
    }

    final class Notices: Sendable {
        let all = Mutex<[DeliveryNotice]>([])
    }

    init(
        _ routes: [Route],
        in directory: String? = nil,
        _ change: (inout DeliverySettings) -> Void = { _ in }
    ) throws {
        var settings = DeliverySettings(
            retry: RetrySchedule(every: .milliseconds(150)),
            uncertainWait: .milliseconds(150)
        )
        settings.limits.idle = .milliseconds(300)
        change(&settings)
        let ear = Ear()
        let notices = notices
        self.ear = ear
        store = try MailStore(directory: directory ?? temporaryDirectory())
        dispatcher = Dispatcher(
            store: store,
            loops: loops,
            routes: routes,
            settings: settings,
            surroundings: Surroundings(clock: { .now }, resolver: Resolver()),
            log: { notice in notices.all.withLock { $0.append(notice) } },
            onSettled: { settled in ear.settled.withLock { $0 += settled } }
        )
    }

    var heard: [SettledRecipient] { ear.settled.withLock { $0 } }
    var noticed: [DeliveryNotice] { notices.all.withLock { $0 } }

    /// Kept, but not told to the dispatcher.
    @discardableResult
    func keep(
        _ addresses: [String] = ["b@x.example"],
        route: String = "r",
        priority: Priority = .normal,
        created: Timestamp = .now,
        sendAt: Timestamp? = nil,
        expiresAt: Timestamp? = nil,
        content: [UInt8] = Array("Subject: x\r\n\r\nhello\r\n".utf8)
    ) async throws -> [QueueEntry] {
        let approval = Approval(
            connector: "c",
            principal: .anonymous,
            sender: .mailbox(try Mailbox(parsing: "a@corp.example")),
            recipients: try addresses.map {
                RoutedRecipient(mailbox: try Mailbox(parsing: $0), route: route)
            }
        )
        var details = MessageDetails(headerMessageID: "<x@y>", octets: content.count)
        details.priority = priority
        details.sendAt = sendAt
        details.expiresAt = expiresAt
        let parcel = Parcel(
            approval: approval,
            id: MessageID(at: .now),
            createdAt: created,
            content: [.octets(content)],
            details: details
        )
        guard case .kept(let entries) = try await store.keep([parcel]) else { return [] }
        return entries[0]
    }

    /// Kept and taken.
    @discardableResult
    func send(
        _ addresses: [String] = ["b@x.example"],
        route: String = "r",
        priority: Priority = .normal
    ) async throws -> MessageID {
        let entries = try await keep(addresses, route: route, priority: priority)
        dispatcher.take(entries, fresh: Array("Subject: x\r\n\r\nhello\r\n".utf8))
        return try #require(entries.first).id
    }

    func recipients(of id: MessageID) async throws -> [RecipientRecord] {
        try #require(try await store.message(id)).recipients
    }

    /// Waits until all recipients have that status, at most ten seconds.
    func reaches(_ status: RecipientStatus, _ id: MessageID) async throws -> Bool {
        for _ in 0..<1000 {
            if try await recipients(of: id).allSatisfy({ $0.status == status }) { return true }
            try await Task.sleep(for: .milliseconds(10))
        }
        return false
    }

    func close() async {
        await dispatcher.drain(within: .seconds(3))
        store.close()
    }
}

/// Whether it comes true within ten seconds.
func eventually(_ isTrue: () -> Bool) async throws -> Bool {
    for _ in 0..<1000 {
        if isTrue() { return true }
        try await Task.sleep(for: .milliseconds(10))
    }
    return false
}

private func route(_ name: String = "r", to hosts: HostPort..., connections: Int = 20) -> Route {
    Route(
        name: name,
        hop: .smartHosts(hosts),
        security: .none,
        limits: RouteLimits(connections: connections),
        helloName: "relay"
    )
}

private let deadHost = HostPort(host: "127.0.0.1", port: 1)

@Suite("The dispatcher", .timeLimit(.minutes(1)))
struct DispatcherTests {
    @Test("relays what is kept, keeps the reply, and tells it")
    func relays() async throws {
        let sink = try Sink(on: loops)
        let office = try Office([route(to: sink.host)])
        try await office.dispatcher.start()
        let id = try await office.send(["b@x.example", "c@x.example"])
        #expect(try await office.reaches(.relayed, id))
        let record = try await office.recipients(of: id)[0]
        #expect(record.lastReply?.code == 250)
        #expect(record.lastReply?.host == sink.host.description)
        #expect(record.attempts == 1)
        let events = try await office.store.events(of: id).map(\.type)
        #expect(events.count { $0 == "relayed" } == 2)
        await office.close()
        #expect(office.heard.map(\.status) == [.relayed, .relayed])
        #expect(sink.seen.contents.count == 1)
    }

    @Test("hundreds of mails go over as many connections as the route has, and each once")
    func many() async throws {
        let sink = try Sink(on: loops)
        // On a busy machine the pauses between the mails are long.
        let office = try Office([route(to: sink.host, connections: 3)]) {
            $0.limits.idle = .seconds(30)
        }
        try await office.dispatcher.start()
        for _ in 0..<10 {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<30 { group.addTask { try await office.send() } }
                try await group.waitForAll()
            }
        }
        for _ in 0..<1000 where office.heard.count < 300 {
            try await Task.sleep(for: .milliseconds(10))
        }
        await office.close()
        #expect(sink.seen.contents.count == 300)
        #expect(sink.seen.connections <= 3 + 300 / 100)
        #expect(office.heard.allSatisfy { $0.status == .relayed })
    }

    @Test("captures what is to be captured")
    func capture() async throws {
        let office = try Office([Route(name: "r", hop: .capture, helloName: "relay")])
        try await office.dispatcher.start()
        let id = try await office.send(["b@x.example", "c@y.example"])
        #expect(try await office.reaches(.delivered, id))
        await office.close()
    }

    @Test("tries again by the schedule, and the mail arrives when the next hop is better")
    func retries() async throws {
        let sink = try Sink(
            .with {
                $0.closesAt = "DATA"
                $0.onlyFor = 2
                $0.capabilities.removeFirst()
            },
            on: loops
        )
        let office = try Office([route(to: sink.host)])
        try await office.dispatcher.start()
        let id = try await office.send()
        #expect(try await office.reaches(.relayed, id))
        #expect(try await office.recipients(of: id)[0].attempts == 3)
        await office.close()
        #expect(office.heard.map(\.status) == [.deferred, .deferred, .relayed])
    }

    @Test("a refusal is final for its recipient alone")
    func refusal() async throws {
        let sink = try Sink(
            .replying(["RCPT TO:<b@": "550 5.1.1 who"], pipelining: true),
            on: loops
        )
        let office = try Office([route(to: sink.host)])
        try await office.dispatcher.start()
        let id = try await office.send(["b@x.example", "c@x.example"])
        for _ in 0..<300 where office.heard.count < 2 {
            try await Task.sleep(for: .milliseconds(10))
        }
        #expect(try await office.recipients(of: id).map(\.status) == [.failed, .relayed])
        await office.close()
    }

    @Test("more recipients than a next hop takes at once go in turns")
    func turns() async throws {
        let sink = try Sink(on: loops)
        var route = route(to: sink.host)
        route.limits.recipientsPerMessage = 10
        let office = try Office([route])
        try await office.dispatcher.start()
        let id = try await office.send((0..<25).map { "b\($0)@x.example" })
        #expect(try await office.reaches(.relayed, id))
        await office.close()
        #expect(sink.seen.contents.count == 3)
    }

    @Test(
        "lost after the final dot: tried again, or held for an operator",
        arguments: [
            DeliverySettings.Uncertainty.retry, .hold,
        ]
    )
    func uncertain(policy: DeliverySettings.Uncertainty) async throws {
        let sink = try Sink(
            .with {
                $0.closesAt = "."
                $0.onlyFor = 1
            },
            on: loops
        )
        let office = try Office([route(to: sink.host)]) { $0.uncertain = policy }
        try await office.dispatcher.start()
        let id = try await office.send()
        if policy == .retry {
            #expect(try await office.reaches(.relayed, id))
        } else {
            #expect(try await office.reaches(.uncertain, id))
            try await Task.sleep(for: .milliseconds(400))
            #expect(try await office.recipients(of: id)[0].status == .uncertain)
            let change = try await office.store.retry(id, at: .now, by: "op")
            office.dispatcher.requeue(change.entries)
            #expect(try await office.reaches(.relayed, id))
        }
        await office.close()
        #expect(office.heard.map(\.status) == [.uncertain, .relayed])
    }

    @Test("a slow route holds up no other")
    func isolation() async throws {
        let slow = try Sink(.with { $0.silentAt = "EHLO" }, on: loops)
        let good = try Sink(on: loops)
        let office = try Office([route("slow", to: slow.host), route("good", to: good.host)])
        try await office.dispatcher.start()
        for _ in 0..<50 { try await office.send(route: "slow") }
        let id = try await office.send(route: "good")
        #expect(try await office.reaches(.relayed, id))
        // One worker starts the next, on a busy machine not at once; one of the five is kept for what
        // is critical.
        #expect(
            try await eventually { office.dispatcher.snapshot().map(\.connections).max() == 4 }
        )
        slow.stop()
        await office.dispatcher.drain(within: .milliseconds(50))
        office.store.close()
    }

    @Test("a dead next hop rests the route; resume tries at once")
    func rest() async throws {
        let office = try Office([route(to: deadHost)])
        try await office.dispatcher.start()
        let id = try await office.send()
        #expect(try await office.reaches(.deferred, id))
        // The store is told first, and the route a moment later.
        #expect(try await eventually { office.dispatcher.snapshot().first?.restsUntil != nil })
        let state = try #require(office.dispatcher.snapshot().first)
        #expect(state.lastError?.contains("connection refused") == true)
        let sink = try Sink(on: loops)
        office.dispatcher.replace(
            routes: [route(to: sink.host)],
            settings: DeliverySettings(retry: RetrySchedule(every: .milliseconds(150)))
        )
        #expect(try await office.reaches(.relayed, id))
        await office.close()
        #expect(office.noticed.contains { if case .routeRests = $0 { true } else { false } })
    }

    @Test("a suspended route keeps its mail until it is resumed")
    func suspension() async throws {
        let sink = try Sink(on: loops)
        let office = try Office([route(to: sink.host)])
        try await office.dispatcher.start()
        try await office.dispatcher.suspend(
            RouteSuspension(route: "r", reason: "", by: "test", since: .now)
        )
        let id = try await office.send()
        try await Task.sleep(for: .milliseconds(150))
        #expect(try await office.recipients(of: id)[0].status == .queued)
        try await office.dispatcher.resume("r", by: "test")
        #expect(try await office.reaches(.relayed, id))
        await office.close()
    }

    @Test("suspended and resumed at once, a route does what the store says")
    func suspensionsAtOnce() async throws {
        let sink = try Sink(on: loops)
        let office = try Office([route(to: sink.host)])
        try await office.dispatcher.start()
        for _ in 0..<150 {
            await withTaskGroup(of: Void.self) { group in
                for number in 0..<6 {
                    group.addTask {
                        guard number % 2 == 0 else {
                            _ = try? await office.dispatcher.resume("r", by: "test")
                            return
                        }
                        try? await office.dispatcher.suspend(
                            RouteSuspension(route: "r", reason: "", by: "test", since: .now)
                        )
                    }
                }
            }
            let kept = try await office.store.suspensions()
            #expect(office.dispatcher.snapshot().map { $0.suspension != nil } == [!kept.isEmpty])
        }
        await office.close()
    }

    @Test("canceled mail is not sent, and what was sent stays canceled no more")
    func cancel() async throws {
        let sink = try Sink(on: loops)
        let office = try Office([route(to: sink.host)])
        try await office.dispatcher.start()
        let entries = try await office.keep(sendAt: .now + .seconds(600))
        office.dispatcher.take(entries)
        #expect(office.dispatcher.snapshot().map(\.waiting) == [1])
        let change = try await office.store.cancel(entries[0].id, at: .now, by: "op")
        office.dispatcher.forget(change.keys)
        #expect(office.dispatcher.snapshot().map(\.waiting) == [0])
        #expect(try await office.recipients(of: entries[0].id)[0].status == .canceled)
        await office.close()
        #expect(sink.seen.connections == 0)
    }

    @Test("scheduled mail goes when it is due and not before")
    func scheduled() async throws {
        let sink = try Sink(on: loops)
        let office = try Office([route(to: sink.host)])
        try await office.dispatcher.start()
        let due = Timestamp.now + .milliseconds(300)
        let entries = try await office.keep(sendAt: due)
        office.dispatcher.take(entries)
        #expect(try await office.reaches(.relayed, entries[0].id))
        #expect(office.heard.allSatisfy { ($0.reply?.at ?? due) >= due })
        await office.close()
    }

    @Test("what is too old expires without another attempt, and keeps its last reply")
    func expiry() async throws {
        let sink = try Sink(.replying(["MAIL": "451 4.7.1 later"], pipelining: true), on: loops)
        let office = try Office([route(to: sink.host)]) { $0.expireAfter = .milliseconds(1500) }
        try await office.dispatcher.start()
        let id = try await office.send()
        #expect(try await office.reaches(.expired, id))
        #expect(try await office.recipients(of: id)[0].lastReply?.code == 451)
        let short = try await office.keep(expiresAt: .now + .milliseconds(50))
        try await office.dispatcher.suspend(
            RouteSuspension(route: "r", reason: "", by: "test", since: .now)
        )
        office.dispatcher.take(short)
        #expect(try await office.reaches(.expired, short[0].id))
        await office.close()
    }

    @Test("an operator's retry makes one attempt, however old the mail")
    func forced() async throws {
        let sink = try Sink(on: loops)
        let office = try Office([route(to: sink.host)]) { $0.expireAfter = .milliseconds(100) }
        try await office.dispatcher.start()
        let entries = try await office.keep(created: .now - .seconds(60))
        office.dispatcher.requeue(entries)
        #expect(try await office.reaches(.relayed, entries[0].id))
        await office.close()
    }

    @Test("a rate is kept, with room for what is critical, and by the next process too")
    func rate() async throws {
        let sink = try Sink(on: loops)
        var route = route(to: sink.host)
        route.limits.messagesPerMinute = 20
        let office = try Office([route])
        try await office.dispatcher.start()
        for _ in 0..<30 { try await office.send() }
        #expect(
            try await eventually {
                office.dispatcher.snapshot()[0].restReason == "quota: 20 messages a minute"
            }
        )
        let until = try #require(office.dispatcher.snapshot()[0].restsUntil)
        #expect(until > .now + .seconds(30) && until < .now + .seconds(70))
        #expect(sink.seen.contents.count == 16)
        let id = try await office.send(priority: .critical)
        #expect(try await office.reaches(.relayed, id))
        await office.dispatcher.drain(within: .seconds(5))
        let uses = try await office.store.quotaUses(minutesFrom: 0, daysFrom: 0)["r"] ?? []
        #expect(uses.reduce(0) { $0 + $1.count } == 17)
        await office.close()
    }

    @Test("mail for a route that is not configured waits for it")
    func unknownRoute() async throws {
        let sink = try Sink(on: loops)
        let office = try Office([])
        try await office.dispatcher.start()
        let id = try await office.send(route: "later")
        #expect(office.noticed == [.routeUnknown("later")])
        office.dispatcher.replace(routes: [route("later", to: sink.host)], settings: .init())
        #expect(try await office.reaches(.relayed, id))
        await office.close()
    }

    @Test("content that cannot be read is deferred and logged; the next mail goes")
    func unreadable() async throws {
        let sink = try Sink(on: loops)
        let office = try Office([route(to: sink.host)])
        try await office.dispatcher.start()
        var entry = try #require(try await office.keep().first)
        entry.key = RecipientKey(message: MessageKey(row: 9_999), index: 0)
        office.dispatcher.take([entry])
        let id = try await office.send()
        #expect(try await office.reaches(.relayed, id))
        await office.close()
        #expect(office.noticed.contains { if case .contentUnreadable = $0 { true } else { false } })
    }
}

@Suite("The dispatcher over restarts and beyond memory", .timeLimit(.minutes(1)))
struct DispatcherWindowTests {
    @Test("takes up what an earlier process left, also what it was sending")
    func restart() async throws {
        let directory = try temporaryDirectory()
        let first = try Office([], in: directory)
        let waiting = try await first.keep()
        let sending = try await first.keep()
        try await first.store.lease(sending.map(\.key), at: .now)
        first.store.close()
        let sink = try Sink(on: loops)
        let second = try Office([route(to: sink.host)], in: directory)
        try await second.dispatcher.start()
        for entries in [waiting, sending] {
            #expect(try await second.reaches(.relayed, entries[0].id))
        }
        #expect(second.noticed.contains(.recovered(1)))
        let events = try await second.store.events(of: sending[0].id).map(\.type)
        #expect(events.contains("recovered"))
        await second.close()
    }

    @Test("what a walk through the store found first is not sent again when its keeper comes late")
    func lateKeeper() async throws {
        let sink = try Sink(on: loops)
        let office = try Office([route(to: sink.host)])
        let entries = try await office.keep()
        try await office.dispatcher.start()
        #expect(try await office.reaches(.relayed, entries[0].id))
        office.dispatcher.take(entries)
        // The next one is sent after it, or it would be.
        let next = try await office.send()
        #expect(try await office.reaches(.relayed, next))
        await office.close()
        #expect(sink.seen.contents.count == 2)
    }

    @Test("a backlog larger than its window is sent whole, each once, while new mail comes in")
    func window() async throws {
        let sink = try Sink(on: loops)
        let office = try Office([route(to: sink.host)]) { $0.window = 100 }
        for _ in 0..<5 {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<80 { group.addTask { try await office.keep() } }
                try await group.waitForAll()
            }
        }
        try await office.dispatcher.start()
        for _ in 0..<100 { try await office.send() }
        for _ in 0..<1000 where office.heard.count < 500 {
            try await Task.sleep(for: .milliseconds(10))
        }
        await office.close()
        #expect(sink.seen.contents.count == 500)
        #expect(Set(office.heard.map(\.key)).count == 500)
    }

    @Test("draining lets the attempt under way end, begins none, and loses nothing")
    func drain() async throws {
        let directory = try temporaryDirectory()
        let sink = try Sink(on: loops)
        let first = try Office([route(to: sink.host, connections: 1)], in: directory)
        try await first.dispatcher.start()
        var ids: [MessageID] = []
        for _ in 0..<50 { ids.append(try await first.send()) }
        await first.close()
        let sent = sink.seen.contents.count
        #expect(first.heard.count == sent)
        let second = try Office([route(to: sink.host)], in: directory)
        try await second.dispatcher.start()
        for id in ids { #expect(try await second.reaches(.relayed, id)) }
        await second.close()
        #expect(sink.seen.contents.count == 50)
        #expect(!second.noticed.contains { if case .recovered = $0 { true } else { false } })
    }
}
