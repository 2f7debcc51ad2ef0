import Mail
import Net
package import Store
import Synchronization

/// Routes that carry nothing for the time being. The store knows them, so they outlive the process.
extension Dispatcher {
    /// Mail of a suspended route waits, and expires as any other. Attempts under way end as they began.
    package func suspend(_ suspension: RouteSuspension) async throws(StoreError) {
        await suspending.enter()
        defer { suspending.leave() }
        try await store.suspend(suspension)
        impose(suspension)
        log(.routeSuspended(suspension))
    }

    /// What waits is tried at once: this ends a rest of the route's own, too. Answers whether the
    /// route was suspended.
    @discardableResult
    package func resume(_ route: String, by who: String) async throws(StoreError) -> Bool {
        await suspending.enter()
        defer { suspending.leave() }
        let was = try await store.resume(route, at: surroundings.clock(), by: who)
        lift(route)
        if was { log(.routeResumed(route, by: who)) }
        return was
    }

    /// Before anything is sent: what was said while an earlier process ran.
    func recallSuspensions() async throws(StoreError) {
        for suspension in try await store.suspensions() { impose(suspension) }
    }

    private func impose(_ suspension: RouteSuspension) {
        decide { state in
            let desk = state.makeDesk(suspension.route)
            desk.suspension = suspension
            defer { desk.idle = [] }
            return desk.idle.map { .dismiss($0) }
        }
        setEnd(of: suspension)
    }

    private func lift(_ route: String) {
        let now = surroundings.clock()
        decide { state in
            guard let desk = state.desk(route) else { return [] }
            desk.suspension = nil
            desk.wake()
            return state.dispatch(desk, at: now)
        }
    }

    /// A timer for its end; a long time in parts, since clocks are set right now and then.
    private func setEnd(of suspension: RouteSuspension) {
        guard let until = suspension.until else { return }
        let wait = min(max(.zero, until - surroundings.clock()), .seconds(3600))
        let loop = loops.all[0]
        loop.schedule(after: wait + .milliseconds(1)) { [weak self] in
            guard let self else { return }
            loop.start { await self.end(suspension, at: until) }
        }
    }

    private func end(_ suspension: RouteSuspension, at until: Timestamp) async {
        await suspending.enter()
        defer { suspending.leave() }
        let isCurrent = state.withLock { state in
            state.desk(suspension.route)?.suspension == suspension && !state.isDraining
        }
        guard isCurrent else { return }
        let now = surroundings.clock()
        guard until <= now else { return setEnd(of: suspension) }
        do throws(StoreError) {
            try await store.resume(suspension.route, at: now, by: "expiry", endedAt: until)
        } catch {
            loops.all[0].schedule(after: .seconds(5)) { [weak self] in self?.setEnd(of: suspension)
            }
            return
        }
        lift(suspension.route)
        log(.routeResumed(suspension.route, by: "expiry"))
    }
}
