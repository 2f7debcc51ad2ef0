package import Mail
package import Net
package import Store
import Synchronization

/// Every webhook and its lane. Where there are none it costs nothing.
package final class WebhookDesk: Sendable {
    private struct State {
        var lanes: [WebhookID: WebhookLane] = [:]
        var isStopped = false
    }

    private let tools: WebhookTools
    private let loops: EventLoops
    private let state = Mutex(State())

    package init(_ tools: WebhookTools, on loops: EventLoops) {
        self.tools = tools
        self.loops = loops
    }

    /// Takes over what the store says of webhooks; call it at the start and after each change.
    package func refresh() async throws(StoreError) {
        let webhooks = try await tools.store.webhooks().filter { $0.disabled == nil }
        let known = Set(webhooks.map(\.id))
        let new = state.withLock { state -> [WebhookLane] in
            guard !state.isStopped else { return [] }
            for (id, lane) in state.lanes where !known.contains(id) || lane.isStopped {
                lane.stop()
                state.lanes[id] = nil
            }
            return webhooks.compactMap { webhook in
                if let lane = state.lanes[webhook.id] {
                    lane.adopt(webhook)
                    return nil
                }
                let lane = WebhookLane(webhook, tools)
                state.lanes[webhook.id] = lane
                return lane
            }
        }
        for lane in new { loops.next().start { await lane.run() } }
    }

    /// There is something to be told again.
    package func nudge(_ webhook: WebhookID) {
        state.withLock { $0.lanes[webhook] }?.nudge()
    }

    /// What is under way ends; what is left is told after the next start.
    package func stop() {
        state.withLock { state in
            state.isStopped = true
            for lane in state.lanes.values { lane.stop() }
        }
    }
}
