import Glibc
import Net

/// A private Postfix with its own configuration and queue, as durable as it comes (fsync on).
final class Postfix {
    enum Mode {
        /// Takes mail and delivers none.
        case hold
        case relay(to: SocketAddress)
    }

    let address: SocketAddress
    private let program: String
    private let directory: String

    init(_ program: String, _ mode: Mode, _ bench: Bench) async throws(Invalid) {
        self.program = program
        directory = try bench.workplace.make("postfix")
        address = try FreePorts.take(1)[0]
        try Self.makeInstance(in: directory, address, mode)
        // Registered before it starts; it is let finish, for only then can it be stopped.
        try Cleanup.add { [program, directory] in Self.stop(program, directory) }
        let start = try Child.spawn(program, Self.words("start", directory), "\(directory)/start")
        waitpid(start, nil, 0)
        try await Waiting.untilItListens(address, on: bench.clients, log: "\(directory)/mail.log")
    }

    func close() {
        Self.stop(program, directory)
        Workplace.remove(directory)
    }

    /// It needs its own user, and root to become it.
    static func find(_ bench: Bench) -> String? {
        geteuid() == 0 && getpwnam("postfix") != nil ? bench.peer("postfix") : nil
    }

    private static func words(_ order: String, _ directory: String) -> [String] {
        ["-c", "\(directory)/etc", order]
    }

    private static func stop(_ program: String, _ directory: String) {
        // While the start is under way there is nothing to stop yet.
        let end = ContinuousClock.now + .seconds(5)
        while TextFile.read("\(directory)/queue/pid/master.pid").isEmpty, ContinuousClock.now < end
        {
            guard access("\(directory)/etc/main.cf", R_OK) == 0 else { return }
            usleep(10_000)
        }
        let order = words("stop", directory)
        guard let pid = try? Child.spawn(program, order, "\(directory)/stop") else { return }
        waitpid(pid, nil, 0)
    }

    private static func makeInstance(
        in directory: String,
        _ address: SocketAddress,
        _ mode: Mode
    ) throws(Invalid) {
        for name in ["etc", "queue", "data"] { mkdir("\(directory)/\(name)", 0o755) }
        guard let user = getpwnam("postfix"),
            chown("\(directory)/data", user.pointee.pw_uid, user.pointee.pw_gid) == 0
        else { throw Invalid("there is no user postfix") }
        let settings = PostfixSettings(directory: directory, address: address, mode: mode)
        try TextFile.write(settings.main, to: "\(directory)/etc/main.cf")
        try TextFile.write(settings.master, to: "\(directory)/etc/master.cf")
    }
}
