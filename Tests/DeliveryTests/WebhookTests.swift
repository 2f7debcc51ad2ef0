import Mail
import Net
import Policy
import Synchronization
import Testing

@testable import Delivery
@testable import Store

@Suite("Webhooks") struct WebhookTests {
    @Test("a refused event comes again as the contract says, and no longer than three days")
    func schedule() {
        let schedule = WebhookSchedule.standard
        let first = Timestamp(milliseconds: 1_700_000_000_000)
        var (now, waits) = (first, [Int64]())
        while let next = schedule.next(afterAttempt: waits.count + 1, since: first, at: now) {
            waits.append((next - now).components.seconds)
            now = next
        }
        #expect(Array(waits.prefix(5)) == [5, 30, 300, 1800, 7200])
        #expect(waits.dropFirst(5).allSatisfy { $0 == 28_800 })
        #expect(now <= first + .seconds(3 * 86_400))
        #expect(now > first + .seconds(3 * 86_400 - 28_800))
    }

    /// The example of the specification's reference libraries.
    @Test("a signature is the one that receivers compute")
    func signature() {
        let fields = WebhookSignature.fields(
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
            at: Timestamp(milliseconds: 1_614_265_330_000),
            content: Array(#"{"test": 2432232314}"#.utf8),
            secrets: ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]
        )
        let found = Dictionary(fields) { $1 }
        #expect(found["webhook-timestamp"] == "1614265330")
        #expect(
            found["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        )
    }

    @Test("every secret is new and signs")
    func secrets() throws {
        let (one, other) = (WebhookSignature.newSecret(), WebhookSignature.newSecret())
        #expect(one != other)
        #expect(try #require(WebhookSignature.key(of: one)).count == 24)
        for broken in ["", "whsec_", "whsec_*", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] {
            #expect(WebhookSignature.key(of: broken) == nil)
        }
    }

    static let addresses: [(String, Bool)] = [
        ("127.0.0.1", true), ("10.1.2.3", true), ("::1", true), ("fd00::1", true),
        ("192.0.2.1", true), ("169.253.255.255", true), ("169.255.0.0", true),
        ("169.254.0.0", false), ("169.254.169.254", false), ("169.254.255.255", false),
        ("fe80::1", false), ("febf:ffff::1", false), ("fec0::1", true), ("fe7f::1", true),
        ("::ffff:169.254.169.254", false), ("not an address", false),
    ]

    @Test("link-local receivers are refused, whatever name leads there", arguments: addresses)
    func linkLocal(text: String, isAllowed: Bool) {
        #expect(WebhookAddress.isAllowed(text) == isAllowed)
    }

    @Test("the events have one name in the log and one for subscribers")
    func names() {
        for name in WebhookEvents.names {
            #expect(WebhookEvents.name(of: WebhookEvents.type(of: name)) == name)
        }
    }
}

private let loops = EventLoops(count: 1)

/// A store, a webhook to a port where nobody listens, and a desk that loses patience soon.
@Suite("A receiver that is not there") struct DeadReceiverTests {
    private func tools(
        _ store: MailStore,
        patience: Duration,
        at address: String = "127.0.0.1",
        _ log: @escaping @Sendable (String) -> Void
    ) -> WebhookTools {
        var surroundings = Surroundings(clock: { .now }, resolver: Resolver())
        surroundings.addresses = { _, _ in HostAddresses([address]) }
        surroundings.connect = { (_, _, _) async throws(StreamError) in throw StreamError.closed }
        return WebhookTools(
            store: store,
            surroundings: surroundings,
            schedule: WebhookSchedule(
                waits: [.milliseconds(20), .milliseconds(60)],
                patience: patience
            ),
            userAgent: "test",
            secrets: { _ in [WebhookSignature.newSecret()] },
            log: { _, reason in log(reason) }
        )
    }

    private func settled(
        _ store: MailStore,
        _ until: (WebhookRecord) async throws -> Bool
    ) async throws -> WebhookRecord {
        for _ in 0..<400 {
            if let webhook = try await store.webhooks().first, try await until(webhook) {
                return webhook
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        return try #require(try await store.webhooks().first)
    }

    @Test("it is given up after its time, and what it missed can be told again")
    func givingUp() async throws {
        let store = try MailStore(directory: temporaryDirectory())
        let id = WebhookID(at: .now)
        try await store.insert(
            WebhookRecord(
                id: id,
                url: "http://receiver.example/",
                types: ["queue.held"],
                secret: [1],
                createdAt: .now,
                position: 0
            )
        )
        let reasons = Mutex<[String]>([])
        let heard = { @Sendable (reason: String) in reasons.withLock { $0.append(reason) } }
        let desk = WebhookDesk(tools(store, patience: .milliseconds(200), heard), on: loops)
        try await desk.refresh()
        try await store.note("queue.held", detail: nil, at: .now)
        try await store.note("queue.released", detail: nil, at: .now)
        let webhook = try await settled(store) { $0.disabled != nil }
        #expect(webhook.disabled?.contains("it took nothing") == true)
        #expect(reasons.withLock { $0.count } == 1)
        let missed = try await store.givenUp(by: id, limit: 9)
        #expect(missed.map(\.event) == [1])
        #expect(missed.allSatisfy { $0.attempts >= 2 })
        #expect(try await store.redeliver(nil, to: id, at: .now) == 1)
        #expect(try await store.givenUp(by: id, limit: 9).isEmpty)
        desk.stop()
        store.close()
    }

    @Test("a receiver that is down holds its place in the log, and few rows")
    func holding() async throws {
        let store = try MailStore(directory: temporaryDirectory())
        try await store.insert(
            WebhookRecord(
                id: WebhookID(at: .now),
                url: "http://receiver.example/",
                types: ["queue.held"],
                secret: [1],
                createdAt: .now,
                position: 0
            )
        )
        for _ in 0..<500 { try await store.note("queue.held", detail: nil, at: .now) }
        let desk = WebhookDesk(tools(store, patience: .seconds(60)) { _ in }, on: loops)
        try await desk.refresh()
        let webhook = try await settled(store) { $0.lastError != nil }
        try await Task.sleep(for: .milliseconds(400))
        let waiting = try await store.retries(of: webhook.id, dueBy: .now, limit: 1).waiting
        #expect((1...64).contains(waiting))
        let after = try #require(try await store.webhooks().first)
        #expect(after.disabled == nil && after.position <= 64)
        desk.stop()
        store.close()
    }

    @Test("a name that leads to a link-local address is not called")
    func rebinding() async throws {
        let store = try MailStore(directory: temporaryDirectory())
        try await store.insert(
            WebhookRecord(
                id: WebhookID(at: .now),
                url: "http://receiver.example/",
                types: ["queue.held"],
                secret: [1],
                createdAt: .now,
                position: 0
            )
        )
        try await store.note("queue.held", detail: nil, at: .now)
        let desk = WebhookDesk(
            tools(store, patience: .seconds(60), at: "169.254.169.254") { _ in },
            on: loops
        )
        try await desk.refresh()
        let webhook = try await settled(store) { $0.lastError != nil }
        #expect(webhook.lastError?.contains("169.254.169.254 may not be asked") == true)
        desk.stop()
        store.close()
    }
}
