package import Mail

extension MailStore {
    /// Adds to what is known of these sources.
    package func noteSources(_ sightings: [(SourceSighting.Key, SourceSighting)])
        async throws(StoreError)
    {
        try await write { rows throws(StoreError) in
            for (key, sighting) in sightings { try rows.note(sighting, of: key) }
        }
    }

    /// The newest first, by when they first came.
    package func sources(_ query: SourceQuery) async throws(StoreError) -> Page<SourceRecord> {
        try await read { database throws(StoreError) in try database.sources(query) }
    }

    /// Addresses from which applications have come, the latest first.
    package func addressesOfApplications(most: Int) async throws(StoreError) -> [IPAddress] {
        try await read { database throws(StoreError) in
            try database.addressesOfApplications(most: most)
        }
    }

    /// From now on, if not before, it is known who of these ranges comes; all others are forgotten.
    package func watch(_ ranges: Set<WatchedRange>, from now: Timestamp) async throws(StoreError) {
        try await write { rows throws(StoreError) in try rows.watch(ranges, from: now) }
    }

    /// The watched ranges from which nobody has come since that moment, though they were watched.
    package func silentRanges(since moment: Timestamp) async throws(StoreError) -> [WatchedRange] {
        try await read { database throws(StoreError) in try database.silentRanges(since: moment) }
    }

    /// Forgets who was not seen since that moment, and the longest unseen of more than `most`.
    package func sweepSources(before moment: Timestamp, most: Int) async throws(StoreError) {
        let old = try await read { database throws(StoreError) in
            try database.sourcesToForget(before: moment, most: most)
        }
        for start in stride(from: 0, to: old.count, by: 500) {
            let part = Array(old[start...].prefix(500))
            try await write { rows throws(StoreError) in try rows.forget(part) }
        }
    }
}
