extension Database {
    /// The whole content when it is one row.
    func body(of message: MessageKey) throws(StoreError) -> [UInt8]? {
        try select("SELECT octets FROM body WHERE n = ?", [.integer(message.row)]) { $0.octets(0) }
            .first
    }

    /// The numbers of the chunks in order; empty when nothing is kept.
    func chunks(of message: MessageKey) throws(StoreError) -> [Range<Int64>] {
        let sql: StaticString = """
            SELECT s.id, s.chunks FROM piece p JOIN spool s ON s.id = p.spool
            WHERE p.message = ? ORDER BY p.idx
            """
        return try select(sql, [.integer(message.row)]) { row in
            let (spool, count) = (row.integer(0), row.int(1))
            return ChunkNumber.of(0, in: spool)..<ChunkNumber.of(count, in: spool)
        }
    }

    func chunk(_ number: Int64) throws(StoreError) -> [UInt8] {
        let found = try select("SELECT octets FROM chunk WHERE n = ?", [.integer(number)]) {
            $0.octets(0)
        }
        guard let octets = found.first else { throw .notFound }
        return octets
    }
}
