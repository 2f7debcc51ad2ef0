package import Mail

extension MailStore {
    /// By name.
    package func suspensions() async throws(StoreError) -> [RouteSuspension] {
        try await read(.lookup) { database throws(StoreError) in try database.suspensions() }
    }

    /// In place of what was said of that route before; told as `route.suspended`.
    package func suspend(_ suspension: RouteSuspension) async throws(StoreError) {
        try await write { rows throws(StoreError) in try rows.suspend(suspension) }
    }

    /// False when it was not suspended, or not until that moment; else told as `route.resumed`.
    @discardableResult
    package func resume(
        _ route: String,
        at now: Timestamp,
        by who: String,
        endedAt: Timestamp? = nil
    ) async throws(StoreError) -> Bool {
        try await write { rows throws(StoreError) in
            try rows.resume(route, at: now, by: who, endedAt: endedAt)
        }
    }
}
