extension Connection {
    /// What the handshake settled; nil in the clear.
    package var tls: TLSFacts? { session?.facts }

    /// Octets that came together with the end of a handshake wait for the next `receive`. In the clear
    /// nothing is read ahead: what was received with a STARTTLS was lent with it.
    package var hasBufferedInput: Bool { session?.early.isEmpty == false }

    /// Answers the peer's handshake; from here on everything is encrypted. After a failure there is
    /// nothing to do but to close.
    package func startTLS(
        _ context: TLSServerContext,
        within limit: Duration
    ) async throws(StreamError) {
        try await shakeHands(try context.session(on: loop), within: limit)
    }

    /// Asks the peer for a handshake. `serverName` is asked for (SNI) and, if the context verifies,
    /// held against the certificate; an IP address in digits is held against its IP names. A context
    /// that verifies by DANE needs an `identity` instead.
    package func startTLS(
        _ context: TLSClientContext,
        serverName: String?,
        identity: DANEIdentity? = nil,
        within limit: Duration
    ) async throws(StreamError) {
        let session = try context.session(for: serverName, identity: identity, on: loop)
        try await shakeHands(session, within: limit)
    }

    private func shakeHands(
        _ session: TLSSession,
        within limit: Duration
    ) async throws(StreamError) {
        precondition(self.session == nil, "TLS inside TLS")
        let deadline = Instant.now + limit
        self.session = session
        var count = 0
        while true {
            let progress = session.shakeHands(UnsafeRawBufferPointer(rebasing: scratch(count)))
            do {
                try push(session)
            } catch {
                // The handshake's own failure says more than that its alert could not be sent.
                guard case .failed = progress else { throw error }
            }
            if case .failed(let error) = progress { throw error }
            try await flush(session, by: deadline)
            if case .done = progress { return }
            guard let received = try await receiveRaw(within: deadline.remaining(), idle: false)
            else {
                throw .tls("the peer ended the connection during the handshake")
            }
            count = received
        }
    }

    private func scratch(_ count: Int) -> Slice<UnsafeRawBufferPointer> {
        UnsafeRawBufferPointer(loop.scratch)[..<count]
    }

    func receiveTLS<R>(
        _ session: TLSSession,
        within limit: Duration,
        idle: Bool,
        _ body: (Span<UInt8>) -> R
    ) async throws(StreamError) -> R? {
        if !session.early.isEmpty {
            let octets = session.early
            session.early = []
            return body(octets.span)
        }
        var deadline: Instant?
        while true {
            if let failure = session.failure { throw failure }
            if session.hasEnded { return nil }
            let left = deadline?.remaining() ?? limit
            if deadline == nil { deadline = Instant.now + limit }
            guard let count = try await receiveRaw(within: left, idle: idle) else {
                throw .reset  // without a close_notify the end may be an attacker's
            }
            let decrypted = session.decrypt(UnsafeRawBufferPointer(rebasing: scratch(count)))
            try push(session)
            // Key updates make us answer (RFC 8446 §4.6.3); who never reads the answers must not fill
            // our memory with them.
            guard session.pending.count <= 64 * 1_024 else { throw .tls("the peer does not read") }
            guard decrypted > 0 else { continue }
            return body(UnsafeBufferPointer(rebasing: session.workspace.plain[..<decrypted]).span)
        }
    }

    func sendTLS(
        _ session: TLSSession,
        _ bytes: [UInt8],
        within limit: Duration
    ) async throws(StreamError) {
        let deadline = Instant.now + limit
        var start = 0
        while start < bytes.count {
            if try mustYield { await Task.yield() }
            // Four records at most, so that a slow reader holds back little that is encrypted already.
            let end = min(bytes.count, start + 64 * 1_024)
            try session.encrypt(bytes.span.extracting(start..<end))
            try push(session)
            try await flush(session, by: deadline)
            start = end
        }
    }

    func sendGoodbye(_ session: TLSSession, within limit: Duration) async throws(StreamError) {
        session.endSending()
        try push(session)
        try await flush(session, by: Instant.now + limit)
    }

    /// For `close()`: what can be said without waiting.
    func sayGoodbye(_ session: TLSSession) {
        session.keepForResumption()
        guard session.pending.isEmpty else { return }
        session.endSending()
        try? push(session)
    }

    /// Offers to the kernel what the session has written, and keeps what it does not take.
    private func push(_ session: TLSSession) throws(StreamError) {
        let workspace = session.workspace
        defer { workspace.clearOutput() }
        let written = workspace.written
        guard !written.isEmpty else { return }
        let sent = session.pending.isEmpty ? try offer(written.span) : 0
        session.pending.append(contentsOf: written[sent...])
    }

    private func flush(_ session: TLSSession, by deadline: Instant) async throws(StreamError) {
        while !session.pending.isEmpty {
            try await wait(for: .writing, until: deadline)
            let pending = session.pending
            let sent = try offer(pending.span)
            session.pending = Array(pending[sent...])
        }
    }
}
