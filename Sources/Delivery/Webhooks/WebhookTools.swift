package import Mail
import Net
package import Store
import Wire

/// What every lane works with.
package struct WebhookTools: Sendable {
    package var store: MailStore
    package var clock: @Sendable () -> Timestamp
    var schedule: WebhookSchedule
    var client: HTTPClient
    /// The secrets in their shown form, the present one first; none when they cannot be opened.
    var secrets: @Sendable (WebhookRecord) -> [String]
    /// An attempt may take so long.
    var limit = Duration.seconds(20)
    var userAgent: String
    /// Hears why nothing is sent to a webhook any more.
    var log: @Sendable (_ id: WebhookID, _ reason: String) -> Void

    package init(
        store: MailStore,
        surroundings: Surroundings,
        schedule: WebhookSchedule = .standard,
        userAgent: String,
        secrets: @escaping @Sendable (WebhookRecord) -> [String],
        log: @escaping @Sendable (WebhookID, String) -> Void
    ) {
        self.store = store
        clock = surroundings.clock
        self.schedule = schedule
        client = HTTPClient(surroundings, clear: .anybody) { WebhookAddress.isAllowed($0) }
        self.userAgent = userAgent
        self.secrets = secrets
        self.log = log
    }
}

/// What a receiver made of an event.
enum WebhookOutcome: Sendable, Equatable {
    case taken
    /// It wants no more, ever (410).
    case gone
    case failed(String)
    /// The event is in the log no more.
    case forgotten
}

extension WebhookTools {
    /// One attempt.
    func tell(_ event: EventRecord, to webhook: WebhookRecord) async -> WebhookOutcome {
        guard let address = WebAddress(webhook.url) else {
            return .failed("the URL cannot be read")
        }
        let secrets = secrets(webhook)
        guard !secrets.isEmpty else { return .failed("the secret cannot be opened") }
        let content: [UInt8]
        do throws(StoreError) {
            let message = try await message(of: event)
            content = WebhookBody.octets(of: event, about: message)
        } catch {
            return .failed("the store: \(error)")
        }
        let signature = WebhookSignature.fields(
            id: event.id,
            at: clock(),
            content: content,
            secrets: secrets
        )
        let fields = [("Content-Type", "application/json"), ("User-Agent", userAgent)] + signature
        do throws(HTTPClientError) {
            let answer = try await client.ask(
                .post,
                address,
                fields: fields,
                content: content,
                within: limit,
                most: 64 << 10
            )
            if answer.isSuccess { return .taken }
            return answer.status == 410 ? .gone : .failed("the receiver answered \(answer.status)")
        } catch {
            return .failed("\(error)")
        }
    }

    private func message(of event: EventRecord) async throws(StoreError) -> MessageRecord? {
        guard let id = event.message else { return nil }
        return try await store.message(id)
    }
}
