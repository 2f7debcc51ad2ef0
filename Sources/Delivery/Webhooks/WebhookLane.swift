import Mail
import Net
import Store
import Synchronization

/// Tells one receiver what happens, in the order of the log, and again what it did not take. It has
/// its own place in the log and its own pace: a dead receiver delays nobody but itself.
final class WebhookLane: Sendable {
    private struct State {
        var webhook: WebhookRecord
        var isStopped = false
        /// Somebody put events in line to be told again.
        var isNudged = true
    }

    let tools: WebhookTools
    private let state: Mutex<State>

    /// A receiver that failed so often in a row is down: what it must hear stays in the log.
    static let enough = 10
    /// The most events that wait to be told again, each a row.
    static let mostRetries = 1000

    init(_ webhook: WebhookRecord, _ tools: WebhookTools) {
        self.tools = tools
        state = Mutex(State(webhook: webhook))
    }

    var webhook: WebhookRecord { state.withLock { $0.webhook } }
    var isStopped: Bool { state.withLock { $0.isStopped } }

    /// Another address, other events, another secret.
    func adopt(_ webhook: WebhookRecord) { state.withLock { $0.webhook = webhook } }

    func stop() { state.withLock { $0.isStopped = true } }

    func nudge() { state.withLock { $0.isNudged = true } }

    /// Until it is stopped, or the receiver is given up.
    func run() async {
        var walk = WebhookWalk(position: webhook.position)
        while !isStopped {
            var isBusy = false
            do throws(StoreError) {
                let wasNudged = state.withLock { state in
                    defer { state.isNudged = false }
                    return state.isNudged
                }
                let tellsAgain = try await tellAgain(&walk, wasNudged)
                isBusy = try await tellNew(&walk) || tellsAgain
            } catch {
                // Nothing is lost: what was not written is told again.
                walk = WebhookWalk(position: walk.position, failures: walk.failures)
            }
            guard !isBusy else { continue }
            guard await EventLoop.current?.sleep(for: .milliseconds(200)) ?? false else { return }
        }
    }
}

/// Where a lane stands.
struct WebhookWalk {
    /// The last event that was told, or is written down to be told again.
    var position: Int64
    /// In a row.
    var failures = 0
    /// When the next event must be told again; nil when none is known.
    var nextRetry: Timestamp?
    var retries = 0
    /// The newest event when the log was last looked at.
    var seen: Int64 = -1
}

extension WebhookLane {
    /// What is due again. Answers whether something was.
    private func tellAgain(
        _ walk: inout WebhookWalk,
        _ wasNudged: Bool
    ) async throws(StoreError) -> Bool {
        let now = tools.clock()
        guard wasNudged || walk.nextRetry.map({ $0 <= now }) ?? false else { return false }
        let id = webhook.id
        let found = try await tools.store.retries(of: id, dueBy: now, limit: 64)
        (walk.nextRetry, walk.retries) = (found.next, found.waiting)
        guard !found.due.isEmpty else { return false }
        var events: [EventRecord] = []
        var progress = WebhookProgress()
        for retry in found.due {
            if let event = try await tools.store.event(retry.event) {
                events.append(event)
            } else {
                progress.done.append(retry.event)
            }
        }
        let earlier = Dictionary(found.due.map { ($0.event, $0) }) { first, _ in first }
        try await tell(events, again: earlier, &progress, &walk)
        let after = try await tools.store.retries(of: id, dueBy: now, limit: 1)
        (walk.nextRetry, walk.retries) = (after.next, after.waiting)
        return true
    }

    /// The next part of the log. Answers whether there was one.
    private func tellNew(_ walk: inout WebhookWalk) async throws(StoreError) -> Bool {
        guard walk.failures < Self.enough, walk.retries < Self.mostRetries, !isStopped else {
            return false
        }
        let newest = tools.store.newestEvent
        guard newest != walk.seen else { return false }
        let webhook = webhook
        var query = EventQuery(after: walk.position, limit: 64)
        query.types = webhook.types
        query.application = webhook.application
        let page = try await tools.store.eventPage(query)
        if page.isEnd { walk.seen = newest }
        var progress = WebhookProgress()
        progress.position = page.position
        // A log in which nothing concerns this receiver moves its place without a write each time.
        guard !page.events.isEmpty else {
            let isFar = page.position > walk.position + 10_000
            walk.position = page.position
            if isFar { try await tools.store.note(progress, of: webhook.id) }
            return !page.isEnd
        }
        try await tell(page.events, again: [:], &progress, &walk)
        walk.position = page.position
        return true
    }

    /// Tells them, and writes what came of it.
    private func tell(
        _ events: [EventRecord],
        again earlier: [Int64: WebhookRetry],
        _ progress: inout WebhookProgress,
        _ walk: inout WebhookWalk
    ) async throws(StoreError) {
        let webhook = webhook
        var end: String?
        for (event, outcome) in await outcomes(of: events, webhook) {
            let now = tools.clock()
            switch outcome {
            case .taken, .forgotten:
                progress.isBack = progress.isBack || walk.failures >= Self.enough
                walk.failures = 0
                progress.done.append(event.number)
                progress.succeededAt = now
            case .gone:
                end = "the receiver answered 410 Gone"
                progress.retries.append(retry(event, earlier, nil, "410 Gone", now))
            case .failed(let reason):
                walk.failures += 1
                (progress.failedAt, progress.error) = (now, reason)
                let first = earlier[event.number]?.firstAt ?? now
                let attempts = (earlier[event.number]?.attempts ?? 0) + 1
                let due = tools.schedule.next(afterAttempt: attempts, since: first, at: now)
                progress.retries.append(retry(event, earlier, due, reason, now))
                if let due { walk.nextRetry = min(walk.nextRetry ?? due, due) }
                if due == nil, (progress.succeededAt ?? webhook.lastSuccessAt ?? first) <= first {
                    end = "it took nothing for \(tools.schedule.patience); last: \(reason)"
                }
            }
        }
        walk.retries += progress.retries.count
        try await tools.store.note(progress, of: webhook.id)
        if let succeeded = progress.succeededAt { noteSuccess(at: succeeded) }
        if progress.isBack { walk.nextRetry = progress.succeededAt }
        if let end { try await giveUp(webhook, because: end) }
    }

    private func noteSuccess(at now: Timestamp) {
        state.withLock { $0.webhook.lastSuccessAt = now }
    }

    private func retry(
        _ event: EventRecord,
        _ earlier: [Int64: WebhookRetry],
        _ due: Timestamp?,
        _ reason: String,
        _ now: Timestamp
    ) -> WebhookRetry {
        let before = earlier[event.number]
        return WebhookRetry(
            event: event.number,
            attempts: (before?.attempts ?? 0) + 1,
            firstAt: before?.firstAt ?? now,
            due: due,
            error: reason
        )
    }

    private func giveUp(_ webhook: WebhookRecord, because reason: String) async throws(StoreError) {
        stop()
        try await tools.store.disable(webhook.id, because: reason, at: tools.clock())
        tools.log(webhook.id, reason)
    }

    /// The events of one message one after the other, those of eight messages at a time.
    private func outcomes(
        of events: [EventRecord],
        _ webhook: WebhookRecord
    ) async -> [(EventRecord, WebhookOutcome)] {
        let groups = events.groupedByMessage()
        let tools = tools
        return await withTaskGroup(of: [(EventRecord, WebhookOutcome)].self) { tasks in
            var all: [(EventRecord, WebhookOutcome)] = []
            for (place, group) in groups.enumerated() {
                if place >= 8, let done = await tasks.next() { all += done }
                tasks.addTask {
                    var outcomes: [(EventRecord, WebhookOutcome)] = []
                    for event in group {
                        outcomes.append((event, await tools.tell(event, to: webhook)))
                    }
                    return outcomes
                }
            }
            for await done in tasks { all += done }
            return all
        }
    }
}

extension [EventRecord] {
    /// In the order of their first events.
    fileprivate func groupedByMessage() -> [[EventRecord]] {
        var groups: [[EventRecord]] = []
        var places: [MessageID: Int] = [:]
        for event in self {
            if let message = event.message, let place = places[message] {
                groups[place].append(event)
            } else {
                if let message = event.message { places[message] = groups.count }
                groups.append([event])
            }
        }
        return groups
    }
}
