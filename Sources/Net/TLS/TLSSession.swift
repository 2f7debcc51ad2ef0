import COpenSSL

/// One TLS connection as a machine: octets from the wire in, octets for the wire out, both through
/// the workspace of its loop. It never touches a socket and never waits.
final class TLSSession {
    enum Handshake {
        case done
        case wantsMore
        case failed(StreamError)
    }

    let ssl: OpaquePointer
    let workspace: TLSWorkspace
    /// Decrypted together with the end of the handshake, before anyone asked.
    var early: [UInt8] = []
    /// Encrypted, and not yet taken by the kernel.
    var pending: [UInt8] = []
    /// The peer said that it sends no more (close_notify).
    private(set) var hasEnded = false
    private(set) var failure: StreamError?
    private(set) var facts: TLSFacts?
    private var resumption: TLSResumption?

    init(
        _ context: TLSContext,
        on loop: EventLoop,
        resumption: TLSResumption?
    ) throws(StreamError) {
        ERR_clear_error()
        workspace = loop.tlsWorkspace
        guard let ssl = SSL_new(context.pointer), let bio = workspace.makeBIO() else {
            throw .takeTLS("no session")
        }
        self.ssl = ssl
        self.resumption = resumption
        SSL_set_bio(ssl, bio, bio)
    }

    deinit { SSL_free(ssl) }

    /// Goes on with the handshake, with what the peer has sent meanwhile.
    func shakeHands(_ input: UnsafeRawBufferPointer) -> Handshake {
        ERR_clear_error()
        workspace.input = input
        defer { workspace.input = UnsafeRawBufferPointer(start: nil, count: 0) }
        let result = SSL_do_handshake(ssl)
        if result == 1 {
            facts = makeFacts()
            let count = read()
            early = Array(workspace.plain[..<count])
            return .done
        }
        switch SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return .wantsMore
        default: return .failed(handshakeError())
        }
    }

    /// How many octets now lie in the workspace's `plain`. Failure and end show themselves there, after
    /// what came before them.
    func decrypt(_ input: UnsafeRawBufferPointer) -> Int {
        ERR_clear_error()
        workspace.input = input
        defer { workspace.input = UnsafeRawBufferPointer(start: nil, count: 0) }
        return read()
    }

    private func read() -> Int {
        var count = 0
        while failure == nil, !hasEnded, count < workspace.plain.count {
            let room = workspace.plain.count - count
            let result = SSL_read(ssl, workspace.plain.baseAddress.map { $0 + count }, Int32(room))
            if result > 0 {
                count += Int(result)
                continue
            }
            switch SSL_get_error(ssl, result) {
            case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return count
            case SSL_ERROR_ZERO_RETURN: hasEnded = true
            default: failure = .takeTLS("protocol error")
            }
        }
        return count
    }

    /// Adds the octets, encrypted, to the workspace's output.
    func encrypt(_ plain: Span<UInt8>) throws(StreamError) {
        if let failure { throw failure }
        ERR_clear_error()
        let result = plain.withUnsafeBytes { SSL_write(ssl, $0.baseAddress, Int32($0.count)) }
        guard result == plain.count else {
            let error = StreamError.takeTLS("cannot encrypt")
            failure = error
            throw error
        }
    }

    /// Adds a close_notify to the output, once.
    func endSending() {
        guard facts != nil, failure == nil, SSL_get_shutdown(ssl) & SSL_SENT_SHUTDOWN == 0 else {
            return
        }
        ERR_clear_error()
        SSL_shutdown(ssl)
        ERR_clear_error()
    }

    /// Keeps what the server gave us for the next connection to it.
    func keepForResumption() {
        guard let resumption, failure == nil, let session = SSL_get1_session(ssl) else { return }
        self.resumption = nil
        let saved = SavedTLSSession(owning: session)
        guard SSL_SESSION_is_resumable(session) == 1 else { return }
        resumption.context.keep(saved, for: resumption.name)
    }
}

// MARK: - What came of it

extension TLSSession {
    private func handshakeError() -> StreamError {
        let error = StreamError.takeTLS("handshake failed")
        let verified = SSL_get_verify_result(ssl)
        guard SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER != 0, verified != Int(X509_V_OK),
            case .tls(let reason) = error
        else { return error }
        return .tls("\(reason): \(String(cString: X509_verify_cert_error_string(verified)))")
    }

    private func makeFacts() -> TLSFacts {
        TLSFacts(
            version: String(cString: SSL_get_version(ssl)),
            cipher: SSL_get_current_cipher(ssl).map { String(cString: SSL_CIPHER_get_name($0)) }
                ?? "",
            peerFingerprint: verifiedFingerprint,
            certificateProblem: certificateProblem,
            serverName: SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name).map {
                String(cString: $0)
            },
            wasResumed: SSL_session_reused(ssl) == 1
        )
    }

    private var certificateProblem: String? {
        let verified = SSL_get_verify_result(ssl)
        guard SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER != 0, verified != Int(X509_V_OK),
            SSL_get0_peer_certificate(ssl) != nil
        else { return nil }
        return String(cString: X509_verify_cert_error_string(verified))
    }

    private var verifiedFingerprint: String? {
        guard SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER != 0,
            SSL_get_verify_result(ssl) == Int(X509_V_OK),
            let certificate = SSL_get0_peer_certificate(ssl)
        else { return nil }
        var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var count: UInt32 = 0
        guard X509_digest(certificate, EVP_sha256(), &digest, &count) == 1 else { return nil }
        let digits = Array("0123456789abcdef".utf8)
        let text = digest.prefix(Int(count)).flatMap {
            [digits[Int($0 >> 4)], digits[Int($0 & 15)]]
        }
        return String(decoding: text, as: UTF8.self)
    }
}
