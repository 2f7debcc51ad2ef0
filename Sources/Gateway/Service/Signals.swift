import Glibc
import Synchronization

/// The signals a server answers to.
struct Signals: Sendable {
    enum Event: Sendable { case stop, reload }

    let events: AsyncStream<Event>

    /// A handler may do almost nothing, so it writes the signal's number into a pipe, and a thread of
    /// our own reads it there.
    init() {
        var ends: [Int32] = [0, 0]
        pipe(&ends)
        let (reading, writing) = (ends[0], ends[1])
        signalPipe.store(writing, ordering: .releasing)
        for number in [SIGTERM, SIGINT, SIGHUP] {
            signal(number) { number in
                var octet = UInt8(truncatingIfNeeded: number)
                _ = write(signalPipe.load(ordering: .acquiring), &octet, 1)
            }
        }
        signal(SIGPIPE, SIG_IGN)
        let (events, continuation) = AsyncStream.makeStream(of: Event.self)
        self.events = events
        BackgroundThread.start {
            var octet: UInt8 = 0
            while read(reading, &octet, 1) == 1 {
                continuation.yield(Int32(octet) == SIGHUP ? .reload : .stop)
            }
        }
    }
}

/// Where the handler writes: a C function can hold nothing of its own.
private let signalPipe = Atomic<Int32>(-1)

/// A thread for what blocks as long as the process lives.
private enum BackgroundThread {
    private final class Work: Sendable {
        let run: @Sendable () -> Void

        init(_ run: @escaping @Sendable () -> Void) {
            self.run = run
        }
    }

    static func start(_ work: @escaping @Sendable () -> Void) {
        var thread = pthread_t()
        let argument = Unmanaged.passRetained(Work(work)).toOpaque()
        pthread_create(
            &thread,
            nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            },
            argument
        )
        pthread_detach(thread)
    }
}

/// Tells systemd how the service is (sd_notify(3)).
enum ServiceManager {
    static func notify(_ state: String) {
        guard let path = getenv("NOTIFY_SOCKET").map({ String(cString: $0) }),
            path.utf8.count < 108, path.utf8.count > 1
        else { return }
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var octets = Array(path.utf8)
        if octets[0] == UInt8(ascii: "@") { octets[0] = 0 }  // An abstract socket.
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: octets) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + octets.count)
        let message = Array(state.utf8)
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = sendto(descriptor, message, message.count, Int32(MSG_NOSIGNAL), $0, length)
            }
        }
    }
}
