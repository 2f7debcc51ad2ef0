import Glibc

/// The directory of a store, made if need be, and this process's right to it.
final class DirectoryLock: Sendable {
    let directory: String
    private let descriptor: Int32

    init(_ directory: String) throws(StoreError) {
        if mkdir(directory, 0o700) != 0, errno != EEXIST {
            throw .unavailable("\(directory): \(String(cString: strerror(errno)))")
        }
        let path = directory + "/postern.lock"
        self.directory = directory
        descriptor = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw .unavailable("\(path): \(String(cString: strerror(errno)))")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { throw .inUse }
    }

    deinit {
        guard descriptor >= 0 else { return }
        // A child between fork and exec shares the lock, and would keep it beyond our close.
        flock(descriptor, LOCK_UN)
        Glibc.close(descriptor)
    }

    /// The database file, which is made here so that only its owner may read it; SQLite gives its
    /// other files the same mode.
    func makeDatabaseFile() throws(StoreError) -> String {
        let path = directory + "/postern.sqlite3"
        let file = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw .unavailable("\(path): \(String(cString: strerror(errno)))") }
        // Closing a file drops the process's POSIX locks on it: only now, before SQLite has any.
        Glibc.close(file)
        return path
    }
}
