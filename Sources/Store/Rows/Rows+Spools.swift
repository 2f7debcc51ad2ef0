import Mail

extension Rows {
    /// Writes a chunk, the first one with its spool.
    func write(
        _ octets: [UInt8],
        at place: Int,
        of known: Int64?,
        now: Timestamp
    ) throws(StoreError) -> Int64 {
        try checkRoom(for: 0)
        let spool: Int64
        if let known {
            spool = known
            let found = try database.change(
                "UPDATE spool SET chunks = ? WHERE id = ? AND owners = 0",
                [.integer(Int64(place + 1)), .integer(spool)]
            )
            guard found == 1 else { throw .conflict("the spooled content is no longer kept") }
        } else {
            spool = next.spool
            next.spool += 1
            try insertSpoolRow(spool, owners: 0, chunks: 1, at: now)
        }
        try octets.withUnsafeBufferPointer { raw throws(StoreError) in
            try insertChunk(raw, at: place, of: spool)
        }
        return spool
    }

    /// A spool that nobody adopted.
    func abandon(_ spool: Int64) throws(StoreError) {
        let owned = try database.select(
            "SELECT 1 FROM spool WHERE id = ? AND owners > 0",
            [.integer(spool)]
        ) { _ in true }
        if owned.isEmpty { try removeSpool(spool) }
    }

    /// Removes one spool that nobody adopted: begun before that moment, or by an earlier process.
    /// False when there is none.
    func removeStaleSpool(before limit: Timestamp) throws(StoreError) -> Bool {
        let stale = try database.select(
            "SELECT id FROM spool WHERE owners = 0 AND (created < ? OR id < ?) LIMIT 1",
            [.time(limit), .integer(firstSpool)]
        ) { $0.integer(0) }
        guard let spool = stale.first else { return false }
        try removeSpool(spool)
        return true
    }

    /// Lets go of a message's content.
    func removeContent(of message: Int64) throws(StoreError) {
        try database.change("DELETE FROM body WHERE n = ?", [.integer(message)])
        let spools = try database.select(
            "SELECT spool FROM piece WHERE message = ?",
            [.integer(message)]
        ) { $0.integer(0) }
        if spools.isEmpty { return }
        try database.change("DELETE FROM piece WHERE message = ?", [.integer(message)])
        for spool in spools {
            try database.change(
                "UPDATE spool SET owners = owners - 1 WHERE id = ?",
                [.integer(spool)]
            )
            try abandon(spool)
        }
    }
}
