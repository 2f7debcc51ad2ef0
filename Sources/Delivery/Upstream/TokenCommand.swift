import Glibc

/// Runs a command that prints a token: without a shell, for a bounded time. Blocks its thread.
struct TokenCommand {
    let words: [String]
    var limit = Duration.seconds(30)

    private static let mostOctets = 65_536

    /// What it printed. Its errors are not kept: they may show what is secret.
    func run() throws(TokenError) -> String {
        var pipe: [Int32] = [0, 0]
        // A pair of sockets, since it is closed to other children from its beginning.
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &pipe) == 0 else { throw failed("cannot be run") }
        defer { close(pipe[0]) }
        let process = spawn(writingTo: pipe[1])
        close(pipe[1])
        guard let process else { throw failed("cannot be run") }
        let output = read(pipe[0], until: .now + limit)
        if output == nil { kill(-process, SIGKILL) }
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        guard let output else { throw failed("did not end within \(limit.components.seconds) s") }
        guard status == 0 else {
            let isExit = status & 0x7f == 0
            throw failed(isExit ? "ended with status \(status >> 8 & 0xff)" : "was killed")
        }
        return output
    }

    private func failed(_ what: String) -> TokenError {
        TokenError("tokenCommand \(words.first ?? "") \(what)")
    }

    /// In a process group of its own, so that what it started ends with it.
    private func spawn(writingTo output: Int32) -> pid_t? {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setpgroup(&attributes, 0)
        let flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK
        posix_spawnattr_setflags(&attributes, Int16(flags))
        var arguments = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var process: pid_t = 0
        guard posix_spawn(&process, words[0], &actions, &attributes, &arguments, environ) == 0
        else { return nil }
        return process
    }

    /// Nil when its end did not come in time, or not before too much else.
    private func read(_ descriptor: Int32, until end: ContinuousClock.Instant) -> String? {
        var whole: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 4096)
        while whole.count <= Self.mostOctets {
            let left = end - .now
            guard left > .zero else { return nil }
            var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let milliseconds = Int32(min(left.components.seconds * 1000 + 1, 1000))
            let found = poll(&waiting, 1, milliseconds)
            if found == 0 || found < 0 && errno == EINTR { continue }
            let count = piece.withUnsafeMutableBytes {
                Glibc.read(descriptor, $0.baseAddress, $0.count)
            }
            guard count > 0 else {
                return count == 0 ? String(decoding: whole, as: UTF8.self) : nil
            }
            whole += piece[..<count]
        }
        return nil
    }
}
