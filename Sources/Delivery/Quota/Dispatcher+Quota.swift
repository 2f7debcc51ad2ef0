import Mail
import Store
import Synchronization

extension Dispatcher {
    /// What an earlier process has sent within the last minute and day counts.
    func recallQuota() async throws(StoreError) {
        let (minute, day) = oldestSlots()
        let uses = try await store.quotaUses(minutesFrom: minute, daysFrom: day)
        decide { state in
            for (route, uses) in uses { state.desk(route)?.recall(uses) }
            return []
        }
    }

    /// Leaves the store what may still count.
    func tidyQuota() async {
        let (minute, day) = oldestSlots()
        // Once more in a minute, if it cannot now.
        try? await store.forgetQuota(minutesBefore: minute, daysBefore: day)
    }

    private func oldestSlots() -> (minute: Int64, day: Int64) {
        let now = surroundings.clock().milliseconds
        let (minute, day) = (SlidingWindow.minute(0), SlidingWindow.day(0))
        return (
            (now - minute.length) / minute.slotLength - 1, (now - day.length) / day.slotLength - 1
        )
    }

    /// The next hop has said that somebody has to look after the route's account, or that the day's
    /// share is used up. The route rests in any case, where this cannot be written.
    func suspendForUpstream(_ suspension: RouteSuspension) async {
        do throws(StoreError) {
            try await suspend(suspension)
        } catch {
            log(.storeRefuses("\(error)"))
        }
    }
}
