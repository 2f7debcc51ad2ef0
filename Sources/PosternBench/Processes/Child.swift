import Glibc
import Synchronization

/// A process that this one started, in a group of its own, with its output in a file.
final class Child: Sendable {
    let pid: pid_t
    let output: String
    private let status = Mutex<Int32?>(nil)

    init(_ program: String, _ arguments: [String], output: String) throws(Invalid) {
        self.output = output
        pid = try Self.spawn(program, arguments, output)
        try Cleanup.add { [self] in end() }
    }

    /// Nil while it runs; 128 and more for a signal.
    var exitStatus: Int32? {
        status.withLock { known in
            if known == nil {
                var found: Int32 = 0
                guard waitpid(pid, &found, WNOHANG) == pid else { return nil }
                known = found & 0x7f == 0 ? found >> 8 & 0xff : 128 + (found & 0x7f)
            }
            return known
        }
    }

    /// What it wrote so far.
    var text: String { TextFile.read(output) }

    /// Asks it to end and, if it will not, ends it and whatever it started.
    func end(patience: Duration = .seconds(3)) {
        guard exitStatus == nil else { return }
        kill(pid, SIGTERM)
        let deadline = ContinuousClock.now + patience
        while exitStatus == nil, ContinuousClock.now < deadline { usleep(5000) }
        kill(-pid, SIGKILL)
        while exitStatus == nil { usleep(1000) }
    }

    /// Waits for its own end; whoever takes longer is ended and makes the run invalid.
    func finish(within limit: Duration) async throws(Invalid) {
        let deadline = ContinuousClock.now + limit
        while exitStatus == nil {
            guard ContinuousClock.now < deadline else {
                end()
                throw Invalid("process \(pid) did not end in \(limit)")
            }
            try? await Task.sleep(for: .milliseconds(2))
        }
        guard exitStatus == 0 else {
            throw Invalid("process \(pid) ended with \(exitStatus ?? -1):\n\(text.suffix(2000))")
        }
    }

    /// Nobody ends it but itself.
    static func spawn(
        _ program: String,
        _ arguments: [String],
        _ output: String
    ) throws(Invalid) -> pid_t {
        var files = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&files)
        defer { posix_spawn_file_actions_destroy(&files) }
        posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0)
        let flags = O_WRONLY | O_CREAT | O_TRUNC | O_APPEND
        posix_spawn_file_actions_addopen(&files, 1, output, flags, 0o600)
        posix_spawn_file_actions_adddup2(&files, 1, 2)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))

        var words = ([program] + arguments).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var pid: pid_t = 0
        let error = posix_spawn(&pid, program, &files, &attributes, &words, environ)
        guard error == 0 else {
            throw Invalid("\(program) cannot be started: \(String(cString: strerror(error)))")
        }
        return pid
    }
}
