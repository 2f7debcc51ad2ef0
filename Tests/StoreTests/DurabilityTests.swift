import Glibc
import Mail
import Testing

@testable import Store

@Suite("What survives") struct DurabilityTests {
    @Test("a store opens again as it was closed, and says nothing")
    func reopening() async throws {
        let bench = Workbench()
        let store = try bench.open()
        let parcel = bench.parcel()
        let entries = try await store.keep([parcel]).entries
        store.close()
        #expect(!store.isHealthy)
        await #expect(throws: StoreError.self) { try await store.keep([bench.parcel()]) }
        await #expect(throws: StoreError.self) { try await store.message(parcel.id) }
        let again = try bench.open()
        #expect(again.isHealthy)
        #expect(try await again.pending(after: nil, limit: 9).entries == entries)
        #expect(bench.notices.all.isEmpty)
    }

    @Test("closing waits for everything that was asked")
    func closing() async throws {
        let bench = Workbench()
        let store = try bench.open()
        let parcels = (0..<100).map { _ in bench.parcel() }
        let kept = await withTaskGroup(of: MessageID?.self) { group in
            for parcel in parcels {
                group.addTask { (try? await store.keep([parcel])) == nil ? nil : parcel.id }
            }
            group.addTask {
                store.close()
                return nil
            }
            return await group.reduce(into: []) { $0.append($1) }.compactMap(\.self)
        }
        let again = try bench.open()
        #expect(again.unfinishedMessages == kept.count)
        for id in kept { #expect(try await again.message(id) != nil) }
    }

    @Test("the files of a running store, copied, open with everything that was answered")
    func crash() async throws {
        let (bench, wreck) = (Workbench(), Workbench())
        let store = try bench.open()
        var parcels: [Parcel] = []
        for number in 0..<40 {
            let octets = [UInt8](repeating: UInt8(number), count: number * 9000)
            parcels.append(bench.parcel(content: [.octets(octets)]))
            _ = try await store.keep([parcels[number]])
        }
        let spool = store.spool()
        try await spool.append([UInt8](repeating: 1, count: 300_000))
        for suffix in ["", "-wal"] { try bench.copy("postern.sqlite3" + suffix, to: wreck) }

        let survivor = try wreck.open()
        for (number, parcel) in parcels.enumerated() {
            let found = try #require(try await survivor.message(parcel.id))
            let content = try await survivor.content(of: found.key).all()
            #expect(content == [UInt8](repeating: UInt8(number), count: number * 9000))
        }
        _ = try await survivor.keep([bench.parcel()])
        #expect(try await survivor.count("SELECT count(*) FROM spool WHERE owners = 0") == 0)
        survivor.close()
        #expect(wreck.notices.all.first == .uncleanStop)
        spool.abandon()
    }

    @Test("after an unclean stop the pages are checked in the background")
    func check() async throws {
        let (bench, wreck) = (Workbench(), Workbench())
        let store = try bench.open()
        _ = try await store.keep([bench.parcel()])
        for suffix in ["", "-wal"] { try bench.copy("postern.sqlite3" + suffix, to: wreck) }
        let survivor = try wreck.open()
        for _ in 0..<500 where wreck.notices.all.count < 2 {
            try await Task.sleep(for: .milliseconds(5))
        }
        #expect(wreck.notices.all == [.uncleanStop, .checked(problems: [])])
        #expect(survivor.isHealthy)
    }

    @Test("damage is found and told")
    func damage() async throws {
        let (bench, wreck) = (Workbench(), Workbench())
        let store = try bench.open()
        let octets = [UInt8](repeating: 65, count: 7000)
        _ = try await store.keep((0..<100).map { _ in bench.parcel(content: [.octets(octets)]) })
        store.close()
        let unclean = try bench.open()
        for suffix in ["", "-wal"] { try bench.copy("postern.sqlite3" + suffix, to: wreck) }
        // Twenty pages in the middle, most of them full of content.
        try wreck.overwrite("postern.sqlite3", at: 60 * 8192, count: 20 * 8192)
        let survivor = try wreck.open()
        for _ in 0..<500 where wreck.notices.all.count < 2 {
            try await Task.sleep(for: .milliseconds(5))
        }
        #expect(!survivor.isHealthy)
        guard case .checked(let problems) = wreck.notices.all.last else {
            return #expect(Bool(false))
        }
        #expect(!problems.isEmpty)
        unclean.close()
    }

    @Test("when the disk fails nothing was promised, and the store opens itself again")
    func diskFailure() async throws {
        let bench = Workbench()
        let store = try bench.open()
        let kept = bench.parcel()
        let entries = try await store.keep([kept]).entries
        try bench.breakLog()
        let lost = (0..<5).map { _ in bench.parcel() }
        await #expect(throws: StoreError.self) { try await store.keep(lost) }
        for _ in 0..<500 where !store.isHealthy { try await Task.sleep(for: .milliseconds(10)) }
        let after = bench.parcel()
        let more = try await store.keep([after]).entries
        #expect(more[0].key.message > entries[0].key.message)
        #expect(try await store.pending(after: nil, limit: 9).entries == entries + more)
        #expect(store.unfinishedMessages == 2)
        guard case .failed = bench.notices.all.first else { return #expect(Bool(false)) }
        #expect(bench.notices.all.last == .reopened)
        store.close()
        let again = try bench.open()
        #expect(try await again.message(kept.id) != nil)
        #expect(try await again.message(after.id) != nil)
        for parcel in lost { #expect(try await again.message(parcel.id) == nil) }
    }

    @Test("one process at a time")
    func lock() throws {
        let bench = Workbench()
        let store = try bench.open()
        #expect(throws: StoreError.inUse) { try bench.open() }
        store.close()
        try bench.open().close()
    }

    @Test("only the owner may read the files")
    func permissions() async throws {
        let bench = Workbench()
        let store = try bench.open()
        _ = try await store.keep([bench.parcel()])
        for name in ["", "-wal", "-shm"] {
            var facts = stat()
            #expect(stat(bench.directory + "/postern.sqlite3" + name, &facts) == 0)
            #expect(facts.st_mode & 0o777 == 0o600)
        }
        store.close()
    }

    @Test("a file that is no database is damage, not a fresh start")
    func foreign() throws {
        let bench = Workbench()
        try bench.write("postern.sqlite3", Array(repeating: 65, count: 20_000))
        // Whoever mends it must know which file.
        let path = bench.directory + "/postern.sqlite3"
        #expect(throws: StoreError.damaged("\(path): file is not a database")) { try bench.open() }
    }

    @Test("a newer schema is refused, an older one brought up to date, one step at a time")
    func migrations() throws {
        let bench = Workbench()
        let database = try bench.location().openForWriting()
        let steps = ["CREATE TABLE a (x)", "ALTER TABLE a ADD COLUMN y", "CREATE TABLE b (x)"]
        try Schema.migrate(database, by: [steps[0]])
        #expect(throws: StoreError.self) {
            try Schema.migrate(database, by: [steps[0], steps[1] + "; nonsense"])
        }
        #expect(try Schema.version(of: database) == 1)
        #expect(try database.integer("SELECT count(*) FROM pragma_table_info('a')") == 1)
        try Schema.migrate(database, by: steps)
        #expect(try Schema.version(of: database) == 3)
        #expect(throws: StoreError.newerSchema(found: 3, known: 2)) {
            try Schema.migrate(database, by: Array(steps[..<2]))
        }
    }

    @Test("limits hold from the next message on when they are changed")
    func limits() async throws {
        let bench = Workbench()
        let store = try bench.open { $0.queuedMessages = 1 }
        #expect(store.hasRoom)
        _ = try await store.keep([bench.parcel()])
        #expect(!store.hasRoom)
        await #expect(throws: StoreError.full) { try await store.keep([bench.parcel()]) }
        store.setLimits(storeFloor: 0, queuedMessages: 2)
        #expect(store.hasRoom)
        _ = try await store.keep([bench.parcel()])
        store.setLimits(storeFloor: .max, queuedMessages: 9)
        #expect(!store.hasRoom && store.isHealthy)
        await #expect(throws: StoreError.full) { try await store.keep([bench.parcel()]) }
    }

    @Test("a disk without room refuses, keeps what was kept, and takes again what fits")
    func full() async throws {
        let bench = Workbench()
        let store = try bench.open { $0.maximumPages = 80 }
        let parcel = bench.parcel()
        let entries = try await store.keep([parcel]).entries
        let large = bench.parcel(content: [.octets(Array(repeating: 1, count: 2_000_000))])
        await #expect(throws: StoreError.full) { try await store.keep([large]) }
        #expect(try await store.message(large.id) == nil)
        #expect(store.isHealthy)
        #expect(try await store.settle(entries.map { Settlement($0, .relayed) }).isEmpty)
        _ = try await store.keep([bench.parcel()])
        #expect(try await store.message(parcel.id)?.status == .relayed)
        #expect(store.unfinishedMessages == 1)
    }
}

extension Workbench {
    func write(_ name: String, _ octets: [UInt8]) throws {
        let file = try #require(fopen(directory + "/" + name, "w"))
        defer { fclose(file) }
        #expect(fwrite(octets, 1, octets.count, file) == octets.count)
    }

    /// Every descriptor of the write-ahead log becomes one that cannot be written.
    func breakLog() throws {
        let path = directory + "/postern.sqlite3-wal"
        let readOnly = Glibc.open(path, O_RDONLY)
        // Tests beside this one may have thousands of connections open.
        for descriptor in Int32(3)..<65_536 where descriptor != readOnly {
            var name = [CChar](repeating: 0, count: 4096)
            let count = readlink("/proc/self/fd/\(descriptor)", &name, name.count)
            let target = String(
                decoding: name.prefix(max(0, count)).map { UInt8(bitPattern: $0) },
                as: UTF8.self
            )
            if target == path { #expect(dup2(readOnly, descriptor) == descriptor) }
        }
        Glibc.close(readOnly)
    }

    func overwrite(_ name: String, at place: Int, count: Int) throws {
        let file = try #require(fopen(directory + "/" + name, "r+"))
        defer { fclose(file) }
        fseek(file, place, SEEK_SET)
        #expect(fwrite([UInt8](repeating: 0xa5, count: count), 1, count, file) == count)
    }

    func copy(_ name: String, to other: Workbench) throws {
        let file = try #require(fopen(directory + "/" + name, "r"))
        defer { fclose(file) }
        var octets: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while case let count = fread(&buffer, 1, buffer.count, file), count > 0 {
            octets += buffer[..<count]
        }
        try other.write(name, octets)
    }
}
