import Mail

/// Chunks of a spool lie one after the other, found by number alone.
enum ChunkNumber {
    static let places: Int64 = 1 << 20

    static func of(_ place: Int, in spool: Int64) -> Int64 { spool * places + Int64(place) }
}

extension Rows {
    func insertContent(
        _ content: PreparedContent,
        of message: Int64,
        at now: Timestamp
    ) throws(StoreError) {
        switch content {
        case .body(let octets): try insertBody(octets, of: message)
        case .spools(let pieces):
            for (index, piece) in pieces.enumerated() {
                let spool: Int64
                switch piece {
                case .octets(let octets): spool = try insertSpool(octets, at: now)
                case .spooled(let content): spool = try adopt(content)
                }
                try database.change(
                    "INSERT INTO piece (message, idx, spool) VALUES (?, ?, ?)",
                    [.integer(message), .integer(Int64(index)), .integer(spool)]
                )
            }
        }
    }

    private func insertBody(_ octets: [UInt8], of message: Int64) throws(StoreError) {
        let row = try database.prepare("INSERT INTO body (n, octets) VALUES (?, ?)")
        row.bind(1, message)
        try octets.withUnsafeBufferPointer { raw throws(StoreError) in
            row.bind(2, borrowed: raw)
            try row.run()
        }
    }

    /// A spool for octets that came with the message itself.
    private func insertSpool(_ octets: [UInt8], at now: Timestamp) throws(StoreError) -> Int64 {
        let spool = next.spool
        next.spool += 1
        let starts = stride(from: 0, to: octets.count, by: PreparedContent.chunk)
        try insertSpoolRow(spool, owners: 1, chunks: starts.underestimatedCount, at: now)
        try octets.withUnsafeBufferPointer { raw throws(StoreError) in
            for (place, start) in starts.enumerated() {
                let end = min(start + PreparedContent.chunk, raw.count)
                try insertChunk(
                    UnsafeBufferPointer(rebasing: raw[start..<end]),
                    at: place,
                    of: spool
                )
            }
        }
        return spool
    }

    private func adopt(_ content: SpooledContent) throws(StoreError) -> Int64 {
        guard let spool = content.id else { throw .conflict("content that was not spooled") }
        let chunks = content.chunks + (content.rest.isEmpty ? 0 : 1)
        let found = try database.change(
            "UPDATE spool SET owners = owners + 1, chunks = ? WHERE id = ?",
            [.integer(Int64(chunks)), .integer(spool)]
        )
        guard found == 1 else { throw .conflict("the spooled content is no longer kept") }
        if !content.rest.isEmpty {
            try content.rest.withUnsafeBufferPointer { raw throws(StoreError) in
                try insertChunk(raw, at: content.chunks, of: spool)
            }
        }
        return spool
    }

    func insertSpoolRow(
        _ spool: Int64,
        owners: Int,
        chunks: Int,
        at now: Timestamp
    ) throws(StoreError) {
        try database.change(
            "INSERT INTO spool (id, created, owners, chunks) VALUES (?, ?, ?, ?)",
            [.integer(spool), .time(now), .integer(Int64(owners)), .integer(Int64(chunks))]
        )
    }

    /// The end of a spool that two messages share is already there for the second.
    func insertChunk(
        _ octets: UnsafeBufferPointer<UInt8>,
        at place: Int,
        of spool: Int64
    ) throws(StoreError) {
        let row = try database.prepare("INSERT OR IGNORE INTO chunk (n, octets) VALUES (?, ?)")
        row.bind(1, ChunkNumber.of(place, in: spool))
        row.bind(2, borrowed: octets)
        try row.run()
    }

    func removeSpool(_ spool: Int64) throws(StoreError) {
        try database.change("DELETE FROM spool WHERE id = ?", [.integer(spool)])
        try database.change(
            "DELETE FROM chunk WHERE n >= ? AND n < ?",
            [
                .integer(ChunkNumber.of(0, in: spool)),
                .integer(ChunkNumber.of(0, in: spool + 1)),
            ]
        )
    }
}
