import Glibc

/// A connection is an open file, and shells allow 1,024 unless asked for more.
enum OpenFiles {
    /// Raises the soft limit of this process to its hard one.
    static func allowAsManyAsPossible() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}
