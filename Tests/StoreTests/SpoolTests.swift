import Mail
import Testing

@testable import Store

@Suite("Spooled content") struct SpoolTests {
    @Test(
        "a message is read as it was written, however it lay",
        arguments: [
            [10], [65_536], [65_537], [-10], [-300_000], [100, -300_000, 100],
            [70_000, -262_144, 600_000, -1, -524_288],
        ]
    )
    func shapes(pieces: [Int]) async throws {
        // Negative sizes are spooled.
        let bench = Workbench()
        let store = try bench.open()
        var dice = Dice(7)
        var (content, whole): ([Piece], [UInt8]) = ([], [])
        for size in pieces {
            let octets = (0..<abs(size)).map { _ in UInt8.random(in: 0...255, using: &dice) }
            whole += octets
            if size > 0 {
                content.append(.octets(octets))
            } else {
                let spool = store.spool()
                try await spool.append(Array(octets[..<(octets.count / 3)]))
                let rest = octets[(octets.count / 3)...]
                try await spool.append(rest.span)
                let spooled = try await spool.finish()
                #expect(spooled.octets == octets.count)
                content.append(.spooled(spooled))
            }
        }
        let entry = try await store.keep([bench.parcel(content: content)]).entries[0]
        let reader = store.content(of: entry.key.message)
        var read: [UInt8] = []
        while let piece = try await reader.next() {
            #expect(piece.count <= 256 << 10)
            read += piece
        }
        #expect(read == whole)
    }

    @Test("a message of 20 MB passes in pieces")
    func large() async throws {
        let bench = Workbench()
        let store = try bench.open()
        let spool = store.spool()
        let piece = [UInt8]("0123456789abcdef".utf8)
        let mebibyte = [UInt8](repeatElement(piece, count: 65_536).joined())
        for _ in 0..<20 { try await spool.append(mebibyte) }
        let content = Piece.spooled(try await spool.finish())
        let entry = try await store.keep([bench.parcel(content: [content])]).entries[0]
        let reader = store.content(of: entry.key.message)
        var octets = 0
        while let next = try await reader.next() {
            #expect(next.count <= 256 << 10 && next.starts(with: piece))
            octets += next.count
        }
        #expect(octets == 20 << 20)
    }

    @Test("what nobody adopts goes: abandoned, dropped, an hour old, or of an earlier process")
    func sweeping() async throws {
        let bench = Workbench()
        let store = try bench.open()
        func write() async throws -> Spool {
            let spool = store.spool()
            try await spool.append([UInt8](repeating: 1, count: 300_000))
            return spool
        }
        let adopted = try await write().finish()
        _ = try await store.keep([bench.parcel(content: [.spooled(adopted)])])
        let stale = try await write().finish()
        #expect(try await store.spools() == 2)
        try await write().abandon()
        _ = try await write()
        store.discard(adopted)
        _ = try await store.keep([bench.parcel()])
        #expect(try await store.spools() == 2)

        try await store.sweepSpools(before: .now + .seconds(1))
        #expect(try await store.spools() == 1)
        await #expect(throws: StoreError.self) {
            try await store.keep([bench.parcel(content: [.spooled(stale)])])
        }

        let left = try await write().finish()
        #expect(left.octets == 300_000)
        #expect(try await store.spools() == 2)
        store.close()
        let again = try bench.open()
        _ = try await again.keep([bench.parcel()])
        #expect(try await again.spools() == 1)
        #expect(try await again.chunks() == 2)
    }

    @Test("two messages may share it; it goes with the last")
    func sharing() async throws {
        let bench = Workbench()
        let store = try bench.open()
        let spool = store.spool()
        let octets = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
        try await spool.append(octets)
        let content = [Piece.spooled(try await spool.finish())]
        let parcels = [bench.parcel(content: content), bench.parcel(content: content)]
        let entries = try await store.keep(parcels).entries
        try await store.settle(entries[0...1].map { Settlement($0, .relayed) })
        _ = try await store.sweep(contentBefore: .now, historyBefore: .now, limit: 10)
        #expect(try await store.content(of: entries[2].key.message).all() == octets)
        try await store.settle(entries[2...3].map { Settlement($0, .relayed) })
        _ = try await store.sweep(contentBefore: .now, historyBefore: .now, limit: 10)
        #expect(try await store.spools() == 0)
        #expect(try await store.chunks() == 0)
    }
}

extension MailStore {
    func spools() async throws(StoreError) -> Int { try await count("SELECT count(*) FROM spool") }
    func chunks() async throws(StoreError) -> Int { try await count("SELECT count(*) FROM chunk") }

    /// As the writer sees it, after everything that was asked of it before.
    func count(_ sql: String) async throws(StoreError) -> Int {
        try await write { rows throws(StoreError) in Int(try rows.database.integer(sql) ?? -1) }
    }
}
