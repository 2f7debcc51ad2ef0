import CLinux
import Glibc

/// A stream to one peer, held by one task on one loop: not Sendable, so the compiler proves it.
/// TLS, once started, changes what is on the wire and nothing of how it is used.
package final class Connection {
    package let peer: SocketAddress
    package let local: SocketAddress
    let loop: EventLoop
    let watch: Watch
    private var descriptor: Descriptor?
    private let wasAccepted: Bool
    var session: TLSSession?
    /// What was received and given back.
    private var returned: [UInt8] = []
    /// Calls in a row that did not have to wait, so that one busy peer does not keep the loop to itself.
    private var burst = 0

    /// Takes over a connected, non-blocking descriptor on the current loop; the loop has counted it.
    init(
        _ descriptor: consuming Descriptor,
        watch: Watch,
        peer: SocketAddress,
        local: SocketAddress,
        accepted: Bool
    ) {
        self.descriptor = consume descriptor
        self.watch = watch
        self.loop = watch.loop
        self.peer = peer
        self.local = local
        self.wasAccepted = accepted
    }

    deinit { close() }

    /// Idempotent; also done when the last reference goes. Says goodbye to a TLS peer if that needs
    /// no waiting. Octets from the peer that nobody has read make the kernel reset the connection:
    /// where a last answer matters, use `finish(within:)`.
    package func close() {
        guard descriptor != nil else { return }
        if let session, loop.isCurrent { sayGoodbye(session) }
        session = nil
        descriptor = nil
        loop.perform { [watch] in watch.close() }
        loop.countClosed(accepted: wasAccepted)
    }

    package var isOpen: Bool { descriptor != nil }

    /// Who is at the other end of a unix socket; nil for others.
    package var peerCredentials: (pid: Int32, uid: UInt32, gid: UInt32)? {
        guard local.isUnix || peer.isUnix, let number = try? liveNumber else { return nil }
        var found = linux_credentials()
        guard linux_peer_credentials(number, &found) == 0 else { return nil }
        return (found.pid, found.uid, found.gid)
    }

    /// The descriptor's number while it is ours; the number of a closed one may be another's.
    var liveNumber: Int32 {
        get throws(StreamError) {
            precondition(loop.isCurrent, "a connection is used on its own loop")
            guard descriptor != nil else { throw .closed }
            return watch.number
        }
    }
}

// MARK: - Receiving

extension Connection {
    /// Waits for octets and lends them for the length of the call; nil at the peer's orderly end.
    /// An `idle` wait is one that a drain may end, with `.draining`.
    package func receive<R>(
        within limit: Duration,
        idle: Bool = false,
        _ body: (Span<UInt8>) -> R
    ) async throws(StreamError) -> R? {
        if let session { return try await receiveTLS(session, within: limit, idle: idle, body) }
        guard let count = try await receiveRaw(within: limit, idle: idle) else { return nil }
        return body(UnsafeBufferPointer(rebasing: loop.scratch[..<count]).span)
    }

    /// Gives back what was received in the clear and was not meant for the receiver: the next
    /// `receive`, or the handshake, gets it first.
    package func putBack(_ octets: [UInt8]) {
        precondition(session == nil, "what TLS has carried cannot be given back")
        returned.insert(contentsOf: octets, at: 0)
    }

    private func takeReturned() -> Int {
        let count = min(returned.count, loop.scratch.count)
        _ = loop.scratch.update(fromContentsOf: returned[..<count])
        returned.removeFirst(count)
        return count
    }

    /// How many octets now lie in the loop's scratch, to be used before anything else is awaited;
    /// nil at the end.
    func receiveRaw(within limit: Duration, idle: Bool) async throws(StreamError) -> Int? {
        if try mustYield { await Task.yield() }
        if !returned.isEmpty { return takeReturned() }
        if let count = try takeAvailable() { return count > 0 ? count : nil }
        let deadline = Instant.now + limit
        while true {
            try await wait(for: .reading, until: deadline, idle: idle)
            if let count = try takeAvailable() { return count > 0 ? count : nil }
        }
    }

    /// Octets put into the scratch; 0 at the end; nil when there is nothing yet.
    private func takeAvailable() throws(StreamError) -> Int? {
        let number = try liveNumber
        while watch.isReadable {
            let count = recv(number, loop.scratch.baseAddress, loop.scratch.count, 0)
            if count > 0 {
                // A short read has emptied a TCP socket (epoll(7)): the next call waits at once,
                // and a request costs one recv.
                if count < loop.scratch.count, !watch.hasEnded, !peer.isUnix, !local.isUnix {
                    watch.isReadable = false
                }
                return count
            }
            if count == 0 { return 0 }
            switch errno {
            case EINTR: continue
            case EAGAIN:
                watch.isReadable = false
                watch.hasEnded = false
            default: throw StreamError(failed: "recv")
            }
        }
        return nil
    }

    func wait(
        for direction: Watch.Direction,
        until deadline: Instant,
        idle: Bool = false
    ) async throws(StreamError) {
        burst = 0
        switch await watch.wait(for: direction, until: deadline, idle: idle) {
        case .ready: return
        case .timedOut: throw .timedOut
        case .draining: throw .draining
        case .closed: throw .closed
        }
    }

    var mustYield: Bool {
        get throws(StreamError) {
            _ = try liveNumber
            burst += 1
            guard burst > 32 else { return false }
            burst = 0
            return true
        }
    }
}

// MARK: - Sending

extension Connection {
    /// All of the octets, or it throws; then nobody knows how many went.
    package func send(_ bytes: [UInt8], within limit: Duration) async throws(StreamError) {
        if let session { return try await sendTLS(session, bytes, within: limit) }
        try await sendRaw(bytes, within: limit)
    }

    func sendRaw(_ bytes: [UInt8], within limit: Duration) async throws(StreamError) {
        if try mustYield { await Task.yield() }
        var sent = try offer(bytes.span.extracting(droppingFirst: 0))
        guard sent < bytes.count else { return }
        let deadline = Instant.now + limit
        while sent < bytes.count {
            try await wait(for: .writing, until: deadline)
            sent += try offer(bytes.span.extracting(droppingFirst: sent))
        }
    }

    /// How many octets the kernel took, without waiting.
    func offer(_ bytes: Span<UInt8>) throws(StreamError) -> Int {
        let number = try liveNumber
        var sent = 0
        while sent < bytes.count, watch.isWritable {
            let count = bytes.extracting(droppingFirst: sent).withUnsafeBufferPointer { rest in
                Glibc.send(number, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL))
            }
            if count >= 0 {
                sent += count
                continue
            }
            switch errno {
            case EINTR: continue
            case EAGAIN: watch.isWritable = false
            default: throw StreamError(failed: "send")
            }
        }
        return sent
    }
}

// MARK: - Ending

extension Connection {
    /// Ends our direction and leaves the peer's open.
    package func finishSending(within limit: Duration) async throws(StreamError) {
        if let session { try await sendGoodbye(session, within: limit) }
        guard shutdown(try liveNumber, Int32(SHUT_WR)) == 0 else {
            throw StreamError(failed: "shutdown")
        }
    }

    /// Ends our direction, lets the peer read what it was sent, and closes: after an answer to a
    /// request that was not read to its end, a mere `close()` could destroy that answer.
    package func finish(within limit: Duration) async {
        let deadline = Instant.now + limit
        do throws(StreamError) {
            try await finishSending(within: limit)
            while try await receiveRaw(within: deadline.remaining(), idle: true) != nil,
                Instant.now < deadline
            {}
        } catch {
            // It ends here in any case.
        }
        close()
    }
}
