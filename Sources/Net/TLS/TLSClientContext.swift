import COpenSSL
import Glibc
import Synchronization

/// How we ask for a TLS handshake. Sessions are resumed, each ticket once (RFC 8446, appendix C.4).
package final class TLSClientContext: Sendable {
    package enum Verification: Sendable, Equatable {
        /// Encrypts for whoever answers: opportunistic TLS, better than nothing against a listener.
        case none
        /// The system's authorities; the name must match too.
        case system
        /// The authorities in this file alone; the name must match too.
        case caFile(String)
        /// What DNS says of the service's certificate, by DANE (RFC 6698): each session brings its own.
        case dane
    }

    let context: TLSContext
    package let verification: Verification
    private let sessions = Mutex<[String: SavedTLSSession]>([:])

    /// `certificateFile` and `keyFile` are ours, for a server that asks for one.
    package init(
        verification: Verification,
        minimumVersion: TLSVersion = .v12,
        certificateFile: String? = nil,
        keyFile: String? = nil
    ) throws(StreamError) {
        self.verification = verification
        context = try TLSContext(TLS_client_method(), minimum: minimumVersion)
        switch verification {
        // Who is not verified may as well have a short key: the alternative is no encryption.
        case .none: try context.allowWeakKeys()
        case .system: SSL_CTX_set_default_verify_paths(context.pointer)
        case .caFile(let path): try context.trust(caFile: path)
        case .dane: try context.enableDANE()
        }
        let mode = verification == .none ? SSL_VERIFY_NONE : SSL_VERIFY_PEER
        SSL_CTX_set_verify(context.pointer, mode, nil)
        if let certificateFile {
            try context.use(
                certificate: .file(certificateFile),
                key: .file(keyFile ?? certificateFile)
            )
        }
    }

    func session(
        for serverName: String?,
        identity: DANEIdentity? = nil,
        on loop: EventLoop
    ) throws(StreamError) -> TLSSession {
        let name = serverName.map { $0.hasSuffix(".") ? String($0.dropLast()) : $0 }
        if verification == .dane { return try session(for: identity, on: loop) }
        let resumption = name.map { TLSResumption(context: self, name: $0) }
        let session = try TLSSession(context, on: loop, resumption: resumption)
        SSL_set_connect_state(session.ssl)
        if let name {
            try expect(name, in: session)
        } else if verification != .none {
            throw .tls("no name to verify the certificate against")
        }
        if let name, let earlier = take(name) { SSL_set_session(session.ssl, earlier.pointer) }
        return session
    }

    /// The name goes into the handshake (SNI, names only: RFC 6066 §3) and is held against the certificate.
    private func expect(_ name: String, in session: TLSSession) throws(StreamError) {
        let address = name.hasPrefix("[") ? String(name.dropFirst().dropLast()) : name
        let isAddress = SocketAddress(ip: address, port: 0) != nil
        if !isAddress, openssl_set_server_name(session.ssl, name) != 1 {
            throw .takeTLS("not a server name: \(name)")
        }
        guard verification != .none else { return }
        let parameters = SSL_get0_param(session.ssl)
        X509_VERIFY_PARAM_set_hostflags(parameters, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
        let isSet =
            isAddress
            ? X509_VERIFY_PARAM_set1_ip_asc(parameters, address)
            : X509_VERIFY_PARAM_set1_host(parameters, name, name.utf8.count)
        guard isSet == 1 else { throw .takeTLS("not a server name: \(name)") }
    }

    func take(_ name: String) -> SavedTLSSession? {
        sessions.withLock { $0.removeValue(forKey: name) }
    }

    func keep(_ session: SavedTLSSession, for name: String) {
        sessions.withLock { sessions in
            if sessions.count >= 256, sessions[name] == nil { sessions.removeAll() }
            sessions[name] = session
        }
    }
}

/// Where a client's session is kept for the next connection to the same name.
struct TLSResumption {
    let context: TLSClientContext
    let name: String
}

/// A reference to an SSL_SESSION, which is not changed any more.
final class SavedTLSSession: @unchecked Sendable {
    let pointer: OpaquePointer

    init(owning pointer: OpaquePointer) { self.pointer = pointer }

    deinit { SSL_SESSION_free(pointer) }
}
