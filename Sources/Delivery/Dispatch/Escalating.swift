package import Mail
import Store

extension Dispatcher {
    /// Of what fails of these applications' mail somebody else is to have a copy.
    package func adopt(escalating applications: Set<ApplicationID>) {
        decide { state in
            state.escalating = applications
            return []
        }
    }
}

extension Judge {
    func escalates(_ entry: QueueEntry, as status: RecipientStatus) -> Bool {
        guard status == .failed || status == .expired, !escalating.isEmpty,
            let application = entry.application
        else { return false }
        return escalating.contains(application)
    }
}
