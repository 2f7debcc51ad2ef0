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
        let start = try Child(
            program,
            ["-c", "\(directory)/etc", "start"],
            output: "\(directory)/start"
        )
        Cleanup.add { [program, directory] in Self.stop(program, directory) }
        try await start.finish(within: .seconds(30))
        try await Waiting.untilItListens(address, on: bench.clients, start)
    }

    func close() {
        Self.stop(program, directory)
        Workplace.remove(directory)
    }

    /// It needs its own user, and root to become it.
    static func find(_ bench: Bench) -> String? {
        geteuid() == 0 && getpwnam("postfix") != nil ? bench.peer("postfix") : nil
    }

    private static func stop(_ program: String, _ directory: String) {
        guard access("\(directory)/etc/main.cf", R_OK) == 0,
            let child = try? Child(
                program,
                ["-c", "\(directory)/etc", "stop"],
                output: "\(directory)/stop"
            )
        else { return }
        while child.exitStatus == nil { usleep(5000) }
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
