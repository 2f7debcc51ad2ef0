import COpenSSL

/// An SSL_CTX with one owner. OpenSSL locks what is shared in it.
final class TLSContext: @unchecked Sendable {
    // Unchecked: the pointer never changes, and OpenSSL allows sessions to be made from any thread.
    let pointer: OpaquePointer

    init(_ method: OpaquePointer?, minimum: TLSVersion) throws(StreamError) {
        ERR_clear_error()
        guard let pointer = SSL_CTX_new(method) else { throw .takeTLS("no context") }
        self.pointer = pointer
        guard openssl_ctx_set_minimum(pointer, minimum.rawValue) == 1 else {
            throw .takeTLS("this version of TLS is not available")
        }
        openssl_ctx_set_safe_options(pointer)
        openssl_ctx_release_idle_buffers(pointer)
        openssl_ctx_keep_no_sessions(pointer)
        // OpenSSL allows the signatures of TLS 1.0 and 1.1 at its lowest level only.
        if minimum.rawValue < TLSVersion.v12.rawValue { try allowWeakKeys() }
    }

    deinit { SSL_CTX_free(pointer) }

    func allowWeakKeys() throws(StreamError) {
        guard SSL_CTX_set_cipher_list(pointer, "DEFAULT:@SECLEVEL=0") == 1 else {
            throw .takeTLS("no ciphers")
        }
    }

    /// Without the suites of TLS_RSA_WITH_…, whose sessions can be read later by whoever gets the key
    /// (RFC 9325 §4.1). Old devices that know no others need a connector of their own.
    func demandForwardSecrecy() throws(StreamError) {
        guard SSL_CTX_set_cipher_list(pointer, "DEFAULT:!kRSA") == 1 else {
            throw .takeTLS("no ciphers")
        }
    }

    /// The chain, its own certificate first, and the key that belongs to it.
    func use(certificate: PEMSource, key: PEMSource) throws(StreamError) {
        try useChain(certificate)
        let bio = try key.open()
        defer { BIO_free(bio) }
        // An empty password, or OpenSSL would ask for one on the terminal.
        let loaded = "".withCString { PEM_read_bio_PrivateKey(bio, nil, nil, .init(mutating: $0)) }
        guard let loaded else { throw key.error("holds no private key that can be read") }
        defer { EVP_PKEY_free(loaded) }
        ERR_clear_error()
        guard SSL_CTX_use_PrivateKey(pointer, loaded) == 1,
            SSL_CTX_check_private_key(pointer) == 1
        else { throw key.error("does not belong to the certificate") }
    }

    private func useChain(_ source: PEMSource) throws(StreamError) {
        let bio = try source.open()
        defer { BIO_free(bio) }
        guard let own = PEM_read_bio_X509_AUX(bio, nil, nil, nil) else {
            throw source.error("holds no certificate")
        }
        defer { X509_free(own) }
        guard SSL_CTX_use_certificate(pointer, own) == 1 else {
            throw source.error("cannot be used")
        }
        while let issuer = PEM_read_bio_X509(bio, nil, nil, nil) {
            defer { X509_free(issuer) }
            guard openssl_ctx_add_chain_certificate(pointer, issuer) == 1 else {
                throw source.error("has a chain that cannot be used")
            }
        }
        ERR_clear_error()
    }

    func trust(caFile path: String) throws(StreamError) {
        ERR_clear_error()
        guard SSL_CTX_load_verify_file(pointer, path) == 1 else {
            throw PEMSource.file(path).error("holds no certificates")
        }
    }
}

/// Where PEM text comes from.
enum PEMSource {
    case file(String)
    case text(String)

    /// To be freed by the caller.
    func open() throws(StreamError) -> OpaquePointer {
        ERR_clear_error()
        let bio: OpaquePointer?
        switch self {
        case .file(let path): bio = BIO_new_file(path, "r")
        case .text(let text):
            bio = BIO_new(BIO_s_mem())
            if let bio { BIO_write(bio, text, Int32(text.utf8.count)) }
        }
        guard let bio else { throw error("cannot be opened") }
        return bio
    }

    func error(_ what: String) -> StreamError {
        let name =
            switch self {
            case .file(let path): path
            case .text: "the PEM text"
            }
        guard case .tls(let reasons) = StreamError.takeTLS("") else {
            return .tls("\(name) \(what)")
        }
        return .tls(reasons.isEmpty ? "\(name) \(what)" : "\(name) \(what): \(reasons)")
    }
}
