import Delivery
import Mail
import Net
import Store

/// Carries out what operators order for what waits, in memory and in the store.
final class QueueOrders: Sendable {
    let store: MailStore
    /// Nil where only a command runs.
    let dispatcher: Dispatcher?
    private let clock: @Sendable () -> Timestamp
    /// Of two orders for one recipient the later must find what the earlier left.
    private let turnstile = Turnstile()

    var now: Timestamp { clock() }

    /// So many recipients a transaction: about 20 ms, in which new mail waits.
    static let step = 500

    init(_ store: MailStore, _ dispatcher: Dispatcher?, clock: @escaping @Sendable () -> Timestamp)
    {
        self.store = store
        self.dispatcher = dispatcher
        self.clock = clock
    }

    /// For these recipients, grouped by message. Those being sent are left alone.
    func carryOut(_ order: Order, on keys: [RecipientKey], by who: String)
        async throws(StoreError) -> StateChange
    {
        await turnstile.enter()
        defer { turnstile.leave() }
        let carried = dispatcher?.withdraw(keys) ?? []
        let free = carried.isEmpty ? keys : keys.filter { !carried.contains($0) }
        do throws(StoreError) {
            let change = try await store.carryOut(order, on: free, at: now, by: who)
            dispatcher?.bring(change, ofWithdrawn: free)
            return change
        } catch {
            dispatcher?.giveBack(free)
            throw error
        }
    }

    /// For all that the filter finds, step by step. Answers how many recipients changed.
    func carryOut(_ order: Order, matching filter: QueueFilter, by who: String)
        async throws(StoreError) -> Int
    {
        let keys = try await store.targets(of: order, matching: filter)
        var woken = wakes(order) ? Set([filter.route].compactMap(\.self)) : []
        dispatcher?.wake(woken)
        var count = 0
        for start in stride(from: 0, to: keys.count, by: Self.step) {
            let step = Array(keys[start..<min(start + Self.step, keys.count)])
            let change = try await carryOut(order, on: step, by: who)
            count += change.keys.count
            if wakes(order) { wake(change, &woken) }
        }
        return count
    }

    /// Who orders mail to be sent wants it sent at once: a route that rests is tried.
    func wakes(_ order: Order) -> Bool {
        switch order {
        case .retry, .release, .reroute, .escalate: true
        case .cancel, .hold: false
        }
    }

    /// Each route once.
    func wake(_ change: StateChange, _ woken: inout Set<String>) {
        let fresh = Set(change.entries.map(\.route)).subtracting(woken)
        guard !fresh.isEmpty else { return }
        woken.formUnion(fresh)
        dispatcher?.wake(fresh)
    }
}
