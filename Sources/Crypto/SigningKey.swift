import COpenSSL

/// A private key that signs, RSA or Ed25519, read from PEM or made new.
package final class SigningKey: @unchecked Sendable {
    package enum Kind: String, Sendable, CaseIterable { case rsa, ed25519 }

    package let kind: Kind
    package let bits: Int
    // Unchecked: never changed once made, and OpenSSL lets any thread sign with it.
    private let pointer: OpaquePointer

    package static func generate(_ kind: Kind, rsaBits: Int = 2048) throws(CryptoError)
        -> SigningKey
    {
        let made =
            switch kind {
            case .rsa: postern_generate_rsa(rsaBits)
            case .ed25519: postern_generate_ed25519()
            }
        guard let made else { throw CryptoError("make a key") }
        return try SigningKey(owning: made)
    }

    /// Any PEM form of an unencrypted private key.
    package convenience init(pem: String) throws(CryptoError) {
        guard let memory = BIO_new(BIO_s_mem()) else { throw CryptoError("read a key") }
        defer { BIO_free(memory) }
        BIO_write(memory, pem, Int32(clamping: pem.utf8.count))
        // An empty password, or OpenSSL would ask for one on the terminal.
        let read = "".withCString { PEM_read_bio_PrivateKey(memory, nil, nil, .init(mutating: $0)) }
        guard let read else { throw CryptoError("read a key") }
        try self.init(owning: read)
    }

    private init(owning pointer: OpaquePointer) throws(CryptoError) {
        switch EVP_PKEY_get_id(pointer) {
        case EVP_PKEY_RSA: kind = .rsa
        case EVP_PKEY_ED25519: kind = .ed25519
        default:
            EVP_PKEY_free(pointer)
            throw CryptoError("read a key", reason: "neither RSA nor Ed25519")
        }
        bits = Int(EVP_PKEY_get_bits(pointer))
        self.pointer = pointer
    }

    deinit { EVP_PKEY_free(pointer) }

    /// RSA: PKCS #1 v1.5 over SHA-256 (RFC 8017 §8.2). Ed25519: of the message itself (RFC 8032 §5.1).
    package func sign(_ message: [UInt8]) throws(CryptoError) -> [UInt8] {
        guard let context = EVP_MD_CTX_new() else { throw CryptoError("sign") }
        defer { EVP_MD_CTX_free(context) }
        let algorithm = kind == .rsa ? EVP_sha256() : nil
        var count = 0
        guard EVP_DigestSignInit(context, nil, algorithm, nil, pointer) == 1,
            EVP_DigestSign(context, nil, &count, message, message.count) == 1
        else { throw CryptoError("sign") }
        var signature = [UInt8](repeating: 0, count: count)
        guard EVP_DigestSign(context, &signature, &count, message, message.count) == 1 else {
            throw CryptoError("sign")
        }
        return Array(signature.prefix(count))
    }

    /// The public half: of RSA as SubjectPublicKeyInfo in DER, of Ed25519 its 32 octets.
    package var publicKey: [UInt8] {
        switch kind {
        case .rsa:
            var start: UnsafeMutablePointer<UInt8>?
            let count = i2d_PUBKEY(pointer, &start)
            defer { postern_free(start) }
            return Array(UnsafeBufferPointer(start: start, count: Int(max(0, count))))
        case .ed25519:
            var octets = [UInt8](repeating: 0, count: 32)
            var count = octets.count
            EVP_PKEY_get_raw_public_key(pointer, &octets, &count)
            return octets
        }
    }

    /// PKCS #8, unencrypted.
    package func pem() throws(CryptoError) -> String {
        guard let memory = BIO_new(BIO_s_mem()) else { throw CryptoError("write a key") }
        defer { BIO_free(memory) }
        guard PEM_write_bio_PKCS8PrivateKey(memory, pointer, nil, nil, 0, nil, nil) == 1 else {
            throw CryptoError("write a key")
        }
        var start: UnsafeMutablePointer<CChar>?
        let count = postern_bio_bytes(memory, &start)
        let bytes = UnsafeRawBufferPointer(start: start, count: count)
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension SigningKey: Equatable {
    package static func == (left: SigningKey, right: SigningKey) -> Bool {
        left === right || left.kind == right.kind && left.publicKey == right.publicKey
    }
}
