import Mail
package import Store
import Synchronization

/// An operator's order has three steps: the recipients are taken out of memory, the store writes what
/// becomes of them, and those that are to be sent come back. One that is being carried is left alone.
extension Dispatcher {
    /// Answers the recipients that are being carried and stay.
    package func withdraw(_ keys: [RecipientKey]) -> Set<RecipientKey> {
        var carried: Set<RecipientKey> = []
        decide { state in
            carried = state.withdraw(keys)
            return []
        }
        return carried
    }

    /// What the store answered for those withdrawn. The recipients that changed get one attempt
    /// whatever their age.
    package func bring(_ change: StateChange, ofWithdrawn keys: [RecipientKey]) {
        let now = surroundings.clock()
        let changed = Set(change.keys)
        decide { state in
            state.withdrawn.subtract(keys)
            let recipients = change.entries.map {
                QueuedRecipient($0, isForced: changed.contains($0.key))
            }
            return Self.enqueue(recipients, in: &state, at: now)
        }
    }

    /// The store could not say what became of them: memory reads them anew.
    package func giveBack(_ keys: [RecipientKey]) {
        let now = surroundings.clock()
        decide { state in
            state.withdrawn.subtract(keys)
            state.markIncomplete()
            return state.dispatchAll(at: now)
        }
    }

    /// What waits for these routes is tried at once: their rests end, and dead hosts are asked again.
    package func wake(_ routes: Set<String>) {
        let now = surroundings.clock()
        decide { state in
            routes.flatMap { name -> [DispatchState.Step] in
                guard let desk = state.desk(name) else { return [] }
                desk.wake()
                return state.dispatch(desk, at: now)
            }
        }
    }
}

extension DispatchState {
    fileprivate mutating func withdraw(_ keys: [RecipientKey]) -> Set<RecipientKey> {
        var carried: Set<RecipientKey> = []
        let busy = desks.values.filter { $0.queue.waitingCount + $0.queue.inFlightCount > 0 }
        for key in keys {
            // Mail whose keeper is still on the way here would come too late to be taken out.
            newestFound = max(newestFound, key.message)
            if busy.contains(where: { $0.queue.isCarried(key) }) {
                carried.insert(key)
            } else {
                goneDuringRefill?.insert(key)
                withdrawn.insert(key)
                for desk in busy { desk.queue.forget(key) }
            }
        }
        return carried
    }

    fileprivate mutating func markIncomplete() {
        for desk in desks.values {
            desk.window.isComplete = false
            desk.window.hasMissed = true
        }
    }
}
