import Glibc
import Net
import Synchronization

/// The least that a server can do before its 250: it appends 4 KB for each mail and syncs what came
/// together. On a loop of its own, since it blocks.
final class SyncedJournal: Sendable {
    private let loop: EventLoop
    private let file: Int32
    private let state = Mutex((waiting: [UnsafeContinuation<Void, Never>](), end: 0))

    /// Written over from the start again when it is full, as a write-ahead log is.
    private static let capacity = 64 << 20
    private static let mail = 4096

    init(in workplace: Workplace, on loop: EventLoop) throws(Invalid) {
        self.loop = loop
        let path = workplace.path + "/journal"
        file = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0o600)
        let room = [UInt8](repeating: 0, count: Self.capacity)
        guard file >= 0, pwrite(file, room, room.count, 0) == room.count, fsync(file) == 0 else {
            throw Invalid("\(path): \(String(cString: strerror(errno)))")
        }
    }

    deinit { close(file) }

    /// Returns when one more mail is on disk.
    func keep() async {
        await withUnsafeContinuation { continuation in
            let isFirst = state.withLock { state in
                state.waiting.append(continuation)
                return state.waiting.count == 1
            }
            if isFirst { loop.perform { self.sync() } }
        }
    }

    private func sync() {
        let (group, start) = state.withLock { state in
            let octets = state.waiting.count * Self.mail
            if state.end + octets > Self.capacity { state.end = 0 }
            defer {
                state.waiting = []
                state.end += octets
            }
            return (state.waiting, state.end)
        }
        let octets = [UInt8](repeating: 88, count: group.count * Self.mail)
        let written = pwrite(file, octets, octets.count, off_t(start))
        precondition(written == octets.count && fdatasync(file) == 0, "the journal's disk fails")
        for continuation in group { continuation.resume() }
    }
}
