/// Why the store did not do what it was asked.
package enum StoreError: Error, Equatable {
    /// Another process holds this directory.
    case inUse
    case newerSchema(found: Int, known: Int)
    /// Nothing was kept, and trying again later can help.
    case unavailable(String)
    /// The disk, or a limit of the settings.
    case full
    case damaged(String)
    /// The rows as they are forbid it: a name that is taken, a state that cannot change.
    case conflict(String)
    case notFound
}

extension StoreError {
    /// With the file in which the damage is, for whoever has to mend it.
    func naming(_ path: String) -> StoreError {
        if case .damaged(let reason) = self { .damaged("\(path): \(reason)") } else { self }
    }
}
