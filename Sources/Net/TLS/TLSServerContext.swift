import COpenSSL

/// How we answer a TLS handshake. Tickets are on: a client that comes again needs no new key exchange
/// with certificates, and the server keeps nothing for it.
package final class TLSServerContext: Sendable {
    let context: TLSContext
    /// When the certificate ends, in seconds since 1970.
    package let certificateExpiry: Int64

    /// `clientCAFile` asks clients for a certificate. One that cannot be verified does no harm: the
    /// connection stands, as nobody's.
    package convenience init(
        certificateFile: String,
        keyFile: String,
        minimumVersion: TLSVersion = .v12,
        clientCAFile: String? = nil
    ) throws(StreamError) {
        try self.init(.file(certificateFile), .file(keyFile), minimumVersion, clientCAFile)
    }

    package convenience init(
        certificatePEM: String,
        keyPEM: String,
        minimumVersion: TLSVersion = .v12,
        clientCAFile: String? = nil
    ) throws(StreamError) {
        try self.init(.text(certificatePEM), .text(keyPEM), minimumVersion, clientCAFile)
    }

    private init(
        _ certificate: PEMSource,
        _ key: PEMSource,
        _ minimum: TLSVersion,
        _ clientCAFile: String?
    ) throws(StreamError) {
        context = try TLSContext(TLS_server_method(), minimum: minimum)
        try context.use(certificate: certificate, key: key)
        certificateExpiry = TLSServerContext.expiry(of: SSL_CTX_get0_certificate(context.pointer))
        openssl_ctx_prefer_own_ciphers(context.pointer)
        if minimum.rawValue >= TLSVersion.v12.rawValue { try context.demandForwardSecrecy() }
        SSL_CTX_set_num_tickets(context.pointer, 1)
        // Without it OpenSSL refuses to resume a session that had a client certificate.
        _ = "postern".withCString { name in
            name.withMemoryRebound(to: UInt8.self, capacity: 7) {
                SSL_CTX_set_session_id_context(context.pointer, $0, 7)
            }
        }
        if let clientCAFile { try ask(forCertificatesOf: clientCAFile) }
    }

    private func ask(forCertificatesOf path: String) throws(StreamError) {
        try context.trust(caFile: path)
        if let names = SSL_load_client_CA_file(path) {
            SSL_CTX_set_client_CA_list(context.pointer, names)
        }
        // Whatever is wrong with a certificate stays in the session's verify result, and is read there.
        SSL_CTX_set_verify(context.pointer, SSL_VERIFY_PEER) { _, _ in 1 }
    }

    private static func expiry(of certificate: OpaquePointer?) -> Int64 {
        guard let certificate, let end = X509_get0_notAfter(certificate) else { return 0 }
        var days: Int32 = 0
        var seconds: Int32 = 0
        guard let epoch = ASN1_TIME_set(nil, 0) else { return 0 }
        defer { ASN1_STRING_free(epoch) }
        guard ASN1_TIME_diff(&days, &seconds, epoch, end) == 1 else { return 0 }
        return Int64(days) * 86_400 + Int64(seconds)
    }

    func session(on loop: EventLoop) throws(StreamError) -> TLSSession {
        let session = try TLSSession(context, on: loop, resumption: nil)
        SSL_set_accept_state(session.ssl)
        return session
    }
}
