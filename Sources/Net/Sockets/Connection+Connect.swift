import CLinux
import Glibc

extension Connection {
    /// Connects on the current loop. `from` binds our side first (a route's source address).
    package static func connect(
        to peer: SocketAddress,
        from source: SocketAddress? = nil,
        within limit: Duration
    ) async throws(StreamError) -> Connection {
        let deadline = Instant.now + limit
        guard let loop = EventLoop.current else {
            preconditionFailure("connect() is called on an event loop")
        }
        guard !loop.isStopping else { throw .closed }
        let descriptor = Descriptor(owning: linux_stream_socket(peer.family))
        let number = descriptor.number
        guard number >= 0 else { throw StreamError(failed: "socket") }
        if let source { try bind(number, to: source) }
        let isUnderWay = try await begin(number, to: peer, by: deadline, on: loop)
        if !peer.isUnix { _ = linux_set_flag(number, Int32(IPPROTO_TCP), TCP_NODELAY) }
        let watch = loop.watch(number)
        do throws(StreamError) {
            if isUnderWay { try await complete(watch, by: deadline) }
            let local = try SocketAddress(localOf: number)
            loop.countOpened(accepted: false)
            return Connection(descriptor, watch: watch, peer: peer, local: local, accepted: false)
        } catch {
            watch.close()
            throw error
        }
    }

    private static func bind(_ number: Int32, to source: SocketAddress) throws(StreamError) {
        _ = linux_set_flag(number, SOL_SOCKET, SO_REUSEADDR)
        guard source.withKernelForm({ linux_bind(number, $0, $1) }) == 0 else {
            throw StreamError(failed: "bind \(source)")
        }
    }

    /// Whether the connection is still under way.
    private static func begin(
        _ number: Int32,
        to peer: SocketAddress,
        by deadline: Instant,
        on loop: EventLoop
    ) async throws(StreamError) -> Bool {
        while true {
            guard let result = peer.withKernelForm({ linux_connect(number, $0, $1) }) else {
                throw .system(operation: "connect", errno: ENAMETOOLONG)
            }
            if result == 0 { return false }
            switch errno {
            case EINPROGRESS: return true
            case EINTR: return true
            case EAGAIN where peer.isUnix:
                // A unix listener's queue is full, and no event says when it no longer is.
                guard Instant.now < deadline else { throw .timedOut }
                guard await loop.sleep(for: .milliseconds(10)) else { throw .closed }
            default: throw StreamError(failed: "connect")
            }
        }
    }

    private static func complete(_ watch: Watch, by deadline: Instant) async throws(StreamError) {
        switch await watch.wait(for: .writing, until: deadline) {
        case .ready: break
        case .timedOut: throw .timedOut
        case .closed, .draining: throw .closed
        }
        let error = linux_socket_error(watch.number)
        guard error == 0 else { throw StreamError(failed: "connect", errno: error) }
    }
}
