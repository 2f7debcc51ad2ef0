import CLinux
import Glibc

/// What each thread frees it keeps for itself, without a lock: seven pieces of each size, unless
/// glibc is asked for more. The many requests that one commit ends free far more than that at once,
/// and what is too much goes through arenas that all threads share: a fifth of a POST's CPU time.
enum ThreadCaches {
    private static let variable = "GLIBC_TUNABLES"
    private static let tunable = "glibc.malloc.tcache_count"

    /// Only the environment can ask, before the first allocation of a process (glibc's manual, "Memory
    /// Allocation Tunables"): so this process begins anew, as itself, with that one thing changed.
    /// Where it cannot, or where somebody has chosen already, it goes on as it is.
    static func enlarge() {
        let chosen = getenv(variable).map { String(cString: $0) } ?? ""
        // To a privileged program glibc does not show the variable: it would begin anew for ever.
        let isPrivileged = getauxval(UInt(AT_SECURE)) != 0
        guard !isPrivileged, !chosen.contains(tunable), let program else { return }
        setenv(variable, (chosen.isEmpty ? "" : chosen + ":") + "\(tunable)=256", 1)
        execv(program, CommandLine.unsafeArgv)
    }

    /// By its own name, which `ps` and `top` show.
    private static var program: String? {
        realpath("/proc/self/exe", nil).map { path in
            defer { free(path) }
            return String(cString: path)
        }
    }
}
