import COpenSSL

/// AES-256-GCM (NIST SP 800-38D): what is sealed can be read and changed by the key's holder alone.
package struct AES256GCM: Sendable {
    package static let keyOctets = 32
    private static let nonceOctets = 12
    private static let tagOctets = 16

    private let key: [UInt8]

    /// Nil for a key of another length.
    package init?(key: [UInt8]) {
        guard key.count == Self.keyOctets else { return nil }
        self.key = key
    }

    /// A random nonce, the ciphertext and the tag in one. `context` is not in it, but must be the same
    /// when it is opened. Random nonces are good for 2^32 boxes under one key.
    package func seal(
        _ plain: Span<UInt8>,
        context: Span<UInt8>
    ) throws(CryptoError) -> [UInt8] {
        try seal(plain, context: context, nonce: SecureRandom.bytes(Self.nonceOctets))
    }

    /// With a nonce that was never used under this key before.
    func seal(
        _ plain: Span<UInt8>,
        context: Span<UInt8>,
        nonce: [UInt8]
    ) throws(CryptoError) -> [UInt8] {
        let operation = "encrypt by AES-256-GCM"
        let cipher = try Cipher(key, nonce, encrypts: true, operation)
        try cipher.authenticate(context, operation)
        let text = try cipher.turn(plain, operation)
        var tag = [UInt8](repeating: 0, count: Self.tagOctets)
        guard cipher.finish(), cipher.control(EVP_CTRL_GCM_GET_TAG, &tag) else {
            throw CryptoError(operation)
        }
        return nonce + text + tag
    }

    /// Nil for what this key did not seal in this context.
    package func open(_ box: Span<UInt8>, context: Span<UInt8>) throws(CryptoError) -> [UInt8]? {
        guard box.count >= Self.nonceOctets + Self.tagOctets else { return nil }
        let operation = "decrypt by AES-256-GCM"
        let end = box.count - Self.tagOctets
        let nonce = Array(box.extracting(..<Self.nonceOctets))
        var tag = Array(box.extracting(end...))
        let cipher = try Cipher(key, nonce, encrypts: false, operation)
        try cipher.authenticate(context, operation)
        let plain = try cipher.turn(box.extracting(Self.nonceOctets..<end), operation)
        guard cipher.control(EVP_CTRL_GCM_SET_TAG, &tag) else { throw CryptoError(operation) }
        guard cipher.finish() else {
            ERR_clear_error()
            return nil
        }
        return plain
    }

    /// One EVP_CIPHER_CTX, for one box.
    private final class Cipher {
        private let context: OpaquePointer

        init(
            _ key: [UInt8],
            _ nonce: [UInt8],
            encrypts: Bool,
            _ operation: String
        ) throws(CryptoError) {
            guard let context = EVP_CIPHER_CTX_new() else { throw CryptoError(operation) }
            self.context = context
            let isReady = EVP_CipherInit_ex(
                context,
                EVP_aes_256_gcm(),
                nil,
                key,
                nonce,
                encrypts ? 1 : 0
            )
            guard isReady == 1 else { throw CryptoError(operation) }
        }

        func authenticate(_ octets: Span<UInt8>, _ operation: String) throws(CryptoError) {
            guard octets.count > 0 else { return }
            var count: Int32 = 0
            let isDone = octets.withUnsafeBufferPointer {
                EVP_CipherUpdate(context, nil, &count, $0.baseAddress, Int32($0.count))
            }
            guard isDone == 1 else { throw CryptoError(operation) }
        }

        func turn(_ octets: Span<UInt8>, _ operation: String) throws(CryptoError) -> [UInt8] {
            guard octets.count > 0 else { return [] }
            var turned = [UInt8](repeating: 0, count: octets.count)
            var count: Int32 = 0
            let isDone = octets.withUnsafeBufferPointer {
                EVP_CipherUpdate(context, &turned, &count, $0.baseAddress, Int32($0.count))
            }
            guard isDone == 1, count == octets.count else { throw CryptoError(operation) }
            return turned
        }

        func control(_ command: Int32, _ tag: inout [UInt8]) -> Bool {
            EVP_CIPHER_CTX_ctrl(context, command, Int32(tag.count), &tag) == 1
        }

        /// False when the tag does not fit.
        func finish() -> Bool {
            var rest = [UInt8](repeating: 0, count: 16)
            var count: Int32 = 0
            return EVP_CipherFinal_ex(context, &rest, &count) == 1
        }

        deinit { EVP_CIPHER_CTX_free(context) }
    }
}

extension [UInt8] {
    fileprivate init(_ span: Span<UInt8>) {
        self = span.withUnsafeBufferPointer { Array($0) }
    }
}
