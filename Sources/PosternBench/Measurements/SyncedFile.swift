import Glibc

/// Appends 4 KB and syncs them, one after the other.
struct SyncedFile {
    private let path: String

    init(in workplace: Workplace) { path = workplace.path + "/synced" }

    func run(_ extent: Extent) throws(Invalid) -> LoadResult {
        let file = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw failure }
        defer {
            close(file)
            unlink(path)
        }
        let octets = [UInt8](repeating: 88, count: 4096)
        var latencies = Latencies()
        let begin = Clock.now
        while extent.takeOne() {
            let start = Clock.now
            guard write(file, octets, octets.count) == octets.count, fdatasync(file) == 0 else {
                throw failure
            }
            latencies.note(since: start)
        }
        return LoadResult(latencies, seconds: Clock.seconds(since: begin))
    }

    private var failure: Invalid { Invalid("\(path): \(String(cString: strerror(errno)))") }
}
