import CSQLite
import Foundation
import Testing

@testable import Store

/// A log as SQLite's writer opens it, in a directory of its own.
private final class LogFile {
    let path: String
    private let file: UnsafeMutablePointer<sqlite3_file>
    private var methods: sqlite3_io_methods { file.pointee.pMethods.pointee }

    init(_ path: String) throws {
        self.path = path
        try #require(GatheringFileSystem.isRegistered)
        let system = try #require(sqlite3_vfs_find(GatheringFileSystem.name))
        let room = UnsafeMutableRawPointer.allocate(
            byteCount: Int(system.pointee.szOsFile),
            alignment: 16
        )
        file = room.bindMemory(to: sqlite3_file.self, capacity: 1)
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_WAL
        try #require(system.pointee.xOpen(system, path, file, flags, nil) == SQLITE_OK)
    }

    func write(_ octets: [UInt8], at offset: Int) -> Int32 {
        methods.xWrite(file, octets, Int32(octets.count), Int64(offset))
    }

    func read(_ count: Int, at offset: Int) -> [UInt8]? {
        var octets = [UInt8](repeating: 0, count: count)
        let code = methods.xRead(file, &octets, Int32(count), Int64(offset))
        return code == SQLITE_OK ? octets : nil
    }

    func sync() -> Int32 { methods.xSync(file, SQLITE_SYNC_NORMAL) }
    func truncate(to size: Int) -> Int32 { methods.xTruncate(file, Int64(size)) }
    func close() -> Int32 { methods.xClose(file) }

    var size: Int64 {
        var size: Int64 = -1
        return methods.xFileSize(file, &size) == SQLITE_OK ? size : -1
    }

    /// What everyone else sees.
    var outside: [UInt8] { [UInt8](FileManager.default.contents(atPath: path) ?? Data()) }

    deinit { UnsafeMutableRawPointer(file).deallocate() }
}

@Suite("The log's writes, gathered") struct GatheredLogTests {
    /// Without a hyphen: behind one SQLite looks for the log's database.
    private let path = NSTemporaryDirectory() + "/gathered\(UInt64.random(in: 0 ... .max))"

    @Test("wait until the sync, and are all there after it")
    func gathering() throws {
        let log = try LogFile(path)
        defer { unlink(path) }
        let pieces: [[UInt8]] = (0..<100).map { number in
            [UInt8](repeating: UInt8(number), count: number % 2 == 0 ? 24 : 4096)
        }
        var offset = 0
        for piece in pieces[..<50] {
            #expect(log.write(piece, at: offset) == SQLITE_OK)
            offset += piece.count
        }
        #expect(log.outside.isEmpty)
        #expect(log.sync() == SQLITE_OK)
        #expect(log.outside == pieces[..<50].flatMap(\.self))
        for piece in pieces[50...] {
            #expect(log.write(piece, at: offset) == SQLITE_OK)
            offset += piece.count
        }
        #expect(log.close() == SQLITE_OK)
        #expect(FileManager.default.contents(atPath: path) == Data(pieces.flatMap(\.self)))
    }

    @Test("are read, measured and cut as if they had not waited", arguments: 1...20)
    func likeAFile(seed: Int) throws {
        var dice = Dice(UInt64(seed))
        let log = try LogFile(path)
        defer { unlink(path) }
        var model: [UInt8] = []
        for step in 0..<300 {
            switch Int.random(in: 0...9, using: &dice) {
            case 0: #expect(log.sync() == SQLITE_OK && log.outside == model)
            case 1: #expect(log.size == Int64(model.count))
            case 2 where !model.isEmpty:
                let start = Int.random(in: 0..<model.count, using: &dice)
                let count = Int.random(in: 1...(model.count - start), using: &dice)
                #expect(log.read(count, at: start) == Array(model[start..<start + count]))
            case 3 where step % 5 == 0:
                model.removeLast(Int.random(in: 0...model.count, using: &dice))
                #expect(log.truncate(to: model.count) == SQLITE_OK)
            default:
                let isNext = Int.random(in: 0...4, using: &dice) > 0
                let start = isNext ? model.count : Int.random(in: 0...model.count, using: &dice)
                let count = Int.random(in: 1...(step % 7 == 0 ? 65_536 : 5000), using: &dice)
                let octets = [UInt8](repeating: UInt8(step % 251), count: count)
                #expect(log.write(octets, at: start) == SQLITE_OK)
                model.replaceSubrange(start..<min(model.count, start + count), with: octets)
            }
        }
        #expect(log.close() == SQLITE_OK)
        #expect([UInt8](FileManager.default.contents(atPath: path) ?? Data()) == model)
    }

    @Test("that find no room fail the sync")
    func noRoom() throws {
        let log = try LogFile("/dev/full")
        #expect(log.write([1, 2, 3], at: 0) == SQLITE_OK)
        #expect(log.sync() == SQLITE_FULL)
        #expect(log.close() == SQLITE_OK)
    }
}
