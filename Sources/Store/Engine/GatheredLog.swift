import CSQLite
import Glibc

/// The write-ahead log of the writer's connection: what SQLite writes to it waits in memory and goes
/// out in one piece before it is synced. SQLite writes each frame's header and page apart, which for a
/// commit of sixty messages is two hundred small writes, and a twentieth of what a message costs.
///
/// With `synchronous=FULL` every commit is synced before anyone is told of its frames, so nobody looks
/// for octets that still wait; the connection's own reads and whatever else it does with the file send
/// them out first. An error of the write is then the sync's, and fails the same commit.
final class GatheredLog {
    /// SQLite writes pages, of 64 KB at most, and cuts what is longer than 17 bits can say.
    private static let capacity = 120 << 10

    fileprivate let original: UnsafePointer<sqlite3_io_methods>
    private let waiting = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
    private var count = 0
    private var start: Int64 = 0

    fileprivate init(_ original: UnsafePointer<sqlite3_io_methods>) { self.original = original }

    deinit { waiting.deallocate() }

    fileprivate func write(
        _ octets: UnsafeRawPointer,
        _ size: Int32,
        at offset: Int64,
        in file: UnsafeMutablePointer<sqlite3_file>
    ) -> Int32 {
        if count > 0, offset != start + Int64(count) || count + Int(size) > Self.capacity {
            let code = send(to: file)
            if code != SQLITE_OK { return code }
        }
        guard Int(size) <= Self.capacity else {
            return original.pointee.xWrite(file, octets, size, offset)
        }
        if count == 0 { start = offset }
        (waiting + count).copyMemory(from: octets, byteCount: Int(size))
        count += Int(size)
        return SQLITE_OK
    }

    /// What could not be written waits no longer: SQLite gives up the commit it belongs to.
    fileprivate func send(to file: UnsafeMutablePointer<sqlite3_file>) -> Int32 {
        guard count > 0 else { return SQLITE_OK }
        defer { count = 0 }
        return original.pointee.xWrite(file, waiting, Int32(count), start)
    }
}

/// SQLite's own file system, except that it gathers the log.
enum GatheringFileSystem {
    static let name = "postern"

    /// Registered at the first question.
    static let isRegistered = sqlite3_vfs_register(system, 0) == SQLITE_OK

    private static nonisolated(unsafe) let base: UnsafeMutablePointer<sqlite3_vfs> =
        sqlite3_vfs_find(nil)

    private static nonisolated(unsafe) let system: UnsafeMutablePointer<sqlite3_vfs> = {
        let system = UnsafeMutablePointer<sqlite3_vfs>.allocate(capacity: 1)
        system.initialize(to: base.pointee)
        system.pointee.pNext = nil
        system.pointee.zName = UnsafePointer(strdup(name))
        // Behind the file's own state stands a reference to its `GatheredLog`.
        system.pointee.szOsFile += Int32(MemoryLayout<UnsafeRawPointer>.size)
        system.pointee.xOpen = { _, path, file, flags, granted in
            let code = base.pointee.xOpen(base, path, file, flags, granted)
            if code == SQLITE_OK, flags & SQLITE_OPEN_WAL != 0, let file { adopt(file) }
            return code
        }
        return system
    }()

    private static func adopt(_ file: UnsafeMutablePointer<sqlite3_file>) {
        let log = Unmanaged.passRetained(GatheredLog(file.pointee.pMethods))
        reference(of: file).initialize(to: log)
        file.pointee.pMethods = UnsafePointer(methods)
    }

    private static func reference(
        of file: UnsafeMutablePointer<sqlite3_file>
    ) -> UnsafeMutablePointer<Unmanaged<GatheredLog>> {
        (UnsafeMutableRawPointer(file) + Int(base.pointee.szOsFile))
            .assumingMemoryBound(to: Unmanaged<GatheredLog>.self)
    }

    private static func log(of file: UnsafeMutablePointer<sqlite3_file>) -> GatheredLog {
        reference(of: file).pointee.takeUnretainedValue()
    }

    /// Only those of the first version: shared memory and mapping belong to the database's own file.
    private static nonisolated(unsafe) let methods: UnsafeMutablePointer<sqlite3_io_methods> = {
        let methods = UnsafeMutablePointer<sqlite3_io_methods>.allocate(capacity: 1)
        methods.initialize(to: sqlite3_io_methods())
        methods.pointee.iVersion = 1
        methods.pointee.xWrite = { file, octets, size, offset in
            guard let file, let octets else { return SQLITE_MISUSE }
            return log(of: file).write(octets, size, at: offset, in: file)
        }
        methods.pointee.xClose = { file in
            guard let file else { return SQLITE_MISUSE }
            let sending = log(of: file).send(to: file)
            let closing = log(of: file).original.pointee.xClose(file)
            reference(of: file).pointee.release()
            return sending == SQLITE_OK ? closing : sending
        }
        methods.pointee.xRead = { file, octets, size, offset in
            sent(file) { $0.xRead(file, octets, size, offset) }
        }
        methods.pointee.xTruncate = { file, size in sent(file) { $0.xTruncate(file, size) } }
        methods.pointee.xSync = { file, flags in sent(file) { $0.xSync(file, flags) } }
        methods.pointee.xFileSize = { file, size in sent(file) { $0.xFileSize(file, size) } }
        methods.pointee.xFileControl = { file, what, argument in
            sent(file) { $0.xFileControl(file, what, argument) }
        }
        methods.pointee.xLock = { file, level in asked(file) { $0.xLock(file, level) } }
        methods.pointee.xUnlock = { file, level in asked(file) { $0.xUnlock(file, level) } }
        methods.pointee.xCheckReservedLock = { file, answer in
            asked(file) { $0.xCheckReservedLock(file, answer) }
        }
        methods.pointee.xSectorSize = { file in asked(file) { $0.xSectorSize(file) } }
        methods.pointee.xDeviceCharacteristics = { file in
            asked(file) { $0.xDeviceCharacteristics(file) }
        }
        return methods
    }()

    /// Calls the original, which has nothing to do with the file's octets.
    private static func asked(
        _ file: UnsafeMutablePointer<sqlite3_file>?,
        _ call: (sqlite3_io_methods) -> Int32
    ) -> Int32 {
        guard let file else { return SQLITE_MISUSE }
        return call(log(of: file).original.pointee)
    }

    /// Calls the original when nothing waits any more.
    private static func sent(
        _ file: UnsafeMutablePointer<sqlite3_file>?,
        _ call: (sqlite3_io_methods) -> Int32
    ) -> Int32 {
        guard let file else { return SQLITE_MISUSE }
        let log = log(of: file)
        let code = log.send(to: file)
        return code == SQLITE_OK ? call(log.original.pointee) : code
    }
}
