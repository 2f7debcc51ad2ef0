import CLinux
import Glibc
import Synchronization

/// A socket that accepts. One loop accepts for all and hands each connection to the loop with the
/// fewest, where its task then lives.
package final class Listener: Sendable {
    /// With the port the kernel chose, if 0 was asked for.
    package let local: SocketAddress
    private let state: Mutex<State>

    private struct State: ~Copyable {
        var descriptor: Descriptor?
        var watch: Watch?
    }

    /// Binds and listens; connections queue up until `start`. `mode` sets a unix socket's permissions
    /// before anyone can connect.
    package init(_ address: SocketAddress, mode: UInt32? = nil) throws(StreamError) {
        let descriptor = Descriptor(owning: linux_stream_socket(address.family))
        let number = descriptor.number
        guard number >= 0 else { throw StreamError(failed: "socket") }
        if let path = address.path {
            Listener.removeStale(path)
        } else {
            Listener.setOptions(number, address.family)
        }
        guard let bound = address.withKernelForm({ linux_bind(number, $0, $1) }) else {
            throw .system(operation: "bind \(address)", errno: ENAMETOOLONG)
        }
        guard bound == 0 else { throw StreamError(failed: "bind \(address)") }
        if let path = address.path, let mode, chmod(path, mode) != 0 {
            throw StreamError(failed: "chmod \(path)")
        }
        guard listen(number, 4_096) == 0 else { throw StreamError(failed: "listen \(address)") }
        local = try SocketAddress(localOf: number)
        state = Mutex(State(descriptor: consume descriptor, watch: nil))
    }

    deinit { stop() }

    /// Each connection is handed to `serve` on its own loop, in a task of its own; it is closed when
    /// nobody holds it any more.
    package func start(
        on loops: EventLoops,
        serve: @escaping @Sendable (sending Connection) async -> Void
    ) {
        let home = loops.next()
        home.start { [self] in
            guard let watch = beginWatching(on: home) else { return }
            await accept(by: watch, for: loops, serve)
        }
    }

    /// From any thread. When it returns, the address is free again; connections that live go on.
    package func stop() {
        let watch = state.withLock { state -> Watch? in
            guard state.descriptor != nil else { return nil }
            if let path = local.path { unlink(path) }
            state.descriptor = nil
            return state.watch.take()
        }
        if let watch { watch.loop.perform { watch.close() } }
    }

    // MARK: Accepting

    private enum Arrival {
        case connection(Int32, peer: SocketAddress)
        case nobody
        case failed
        case exhausted
        case stopped
    }

    private func beginWatching(on home: EventLoop) -> Watch? {
        state.withLock { state -> Watch? in
            guard let number = state.descriptor?.number else { return nil }
            let watch = home.watch(number)
            state.watch = watch
            return watch
        }
    }

    private func accept(
        by watch: Watch,
        for loops: EventLoops,
        _ serve: @escaping @Sendable (sending Connection) async -> Void
    ) async {
        let home = watch.loop
        var burst = 0
        while true {
            switch next() {
            case .connection(let number, let peer):
                hand(number, from: peer, to: loops.leastBusy(), serve)
                burst += 1
                if burst.isMultiple(of: 64) { await Task.yield() }
            case .nobody:
                let wake = await watch.wait(for: .reading, until: .never)
                guard case .ready = wake else { return }
            case .failed: continue
            case .exhausted:
                // Out of descriptors or memory; the queue keeps the peers until some are free again.
                guard await home.sleep(for: .milliseconds(50)) else { return }
            case .stopped: return
            }
        }
    }

    /// Under the lock, so that `stop` cannot close the descriptor meanwhile.
    private func next() -> Arrival {
        state.withLock { state in
            guard let number = state.descriptor?.number else { return .stopped }
            var storage = sockaddr_storage()
            var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
            let accepted = linux_accept(number, &storage, &length)
            guard accepted < 0 else {
                return .connection(accepted, peer: SocketAddress(storage, length: length))
            }
            switch errno {
            case EAGAIN: return .nobody
            case EMFILE, ENFILE, ENOBUFS, ENOMEM: return .exhausted
            case EBADF, EINVAL, ENOTSOCK: return .stopped
            default: return .failed  // of this one peer: accept(2), "Error handling"
            }
        }
    }

    private func hand(
        _ number: Int32,
        from peer: SocketAddress,
        to loop: EventLoop,
        _ serve: @escaping @Sendable (sending Connection) async -> Void
    ) {
        // Counted here, so that a burst of arrivals spreads over the loops.
        loop.countOpened(accepted: true)
        loop.start { [listening = self.local] in
            let descriptor = Descriptor(owning: number)
            let connection = Connection(
                descriptor,
                watch: loop.watch(number),
                peer: peer,
                local: (try? SocketAddress(localOf: number)) ?? listening,
                accepted: true
            )
            await serve(connection)
        }
    }

    // MARK: Binding

    private static func setOptions(_ number: Int32, _ family: Int32) {
        _ = linux_set_flag(number, SOL_SOCKET, SO_REUSEADDR)
        // Accepted sockets inherit it.
        _ = linux_set_flag(number, Int32(IPPROTO_TCP), TCP_NODELAY)
        // So that 0.0.0.0 and :: can both be bound, and IPv4 peers never appear as mapped ones.
        if family == AF_INET6 { _ = linux_set_flag(number, Int32(IPPROTO_IPV6), IPV6_V6ONLY) }
    }

    /// A socket that a dead process left behind is removed; one that answers stays, and bind fails.
    private static func removeStale(_ path: String) {
        var found = stat()
        guard lstat(path, &found) == 0, found.st_mode & S_IFMT == S_IFSOCK else { return }
        let probe = Descriptor(owning: linux_stream_socket(AF_UNIX))
        let number = probe.number
        let result = SocketAddress.unix(path: path).withKernelForm { linux_connect(number, $0, $1) }
        if result == -1, errno == ECONNREFUSED { unlink(path) }
    }
}
