import Mail
import Net
import Store
import Synchronization

extension Dispatcher {
    /// Walks through the store by due time and puts in what memory has room for.
    func fill() async throws(StoreError) {
        guard state.withLock({ $0.beginRefill() }) else { return }
        do throws(StoreError) {
            endFilling(isWhole: try await walk())
        } catch {
            endFilling(isWhole: false)
            throw error
        }
    }

    func refill() async {
        guard state.withLock({ $0.beginRefill() }) else { return }
        var isWhole = false
        do throws(StoreError) {
            isWhole = try await walk()
        } catch {
            log(.storeRefuses("\(error)"))
            // Its end asks for the next walk, if there is still room.
            await EventLoop.current?.sleep(for: .seconds(5))
        }
        endFilling(isWhole: isWhole)
    }

    /// Answers whether it came to the store's end.
    private func walk() async throws(StoreError) -> Bool {
        var cursor: PendingCursor?
        while true {
            let page = try await store.pending(after: cursor, limit: 1000)
            var isFull = false
            decide { state in
                isFull = state.refill(with: page.entries)
                return state.dispatchAll(at: surroundings.clock())
            }
            guard let next = page.next else { return true }
            if isFull { return false }
            cursor = next
        }
    }

    private func endFilling(isWhole: Bool) {
        decide { state in
            state.endRefill(isWhole: isWhole)
            return state.dispatchAll(at: surroundings.clock())
        }
    }

    /// Once a minute: what may be forgotten.
    func scheduleTidying() {
        let loop = loops.all[0]
        loop.schedule(after: .seconds(60)) { [weak self] in
            guard let self else { return }
            loop.start { await self.tidy() }
        }
    }

    func tidy() async {
        let hour = surroundings.clock() - .seconds(3600)
        state.withLock { state in
            for desk in state.desks.values { desk.rig?.health.forget(before: hour) }
        }
        if state.withLock({ $0.hasQuotas }) { await tidyQuota() }
        if !state.withLock({ $0.isDraining }) { scheduleTidying() }
    }

    /// What waits for a route that rests or is suspended ends in its time, too.
    func scheduleExpiring() {
        let loop = loops.all[0]
        loop.schedule(after: .seconds(1)) { [weak self] in
            guard let self else { return }
            loop.start { await self.takeOutExpired() }
        }
    }

    func takeOutExpired() async {
        let now = surroundings.clock()
        let expired = state.withLock { state -> [QueuedRecipient] in
            guard !state.isDraining else { return [] }
            let span = state.settings.expireAfter
            return state.desks.values.flatMap { $0.queue.takeExpired(at: now, after: span) }
        }
        await expire(expired)
        if !state.withLock({ $0.isDraining }) { scheduleExpiring() }
    }
}
