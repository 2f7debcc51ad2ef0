import COpenSSL

/// Keyed hashes (RFC 2104).
package enum HMAC {
    /// For CRAM-MD5 alone (RFC 2195); its strength rests on the key, not on MD5.
    package static func md5(_ message: Span<UInt8>, key: Span<UInt8>) throws(CryptoError) -> [UInt8]
    {
        try digest(message, key, "MD5", octets: 16)
    }

    package static func sha256(
        _ message: Span<UInt8>,
        key: Span<UInt8>
    ) throws(CryptoError) -> [UInt8] {
        try digest(message, key, "SHA256", octets: 32)
    }

    private static func digest(
        _ message: Span<UInt8>,
        _ key: Span<UInt8>,
        _ algorithm: String,
        octets: Int
    ) throws(CryptoError) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: octets)
        var written = 0
        let isDone = key.withUnsafeBufferPointer { key in
            message.withUnsafeBufferPointer { message in
                EVP_Q_mac(
                    nil,
                    "HMAC",
                    nil,
                    algorithm,
                    nil,
                    key.baseAddress ?? .empty,
                    key.count,
                    message.baseAddress ?? .empty,
                    message.count,
                    &digest,
                    octets,
                    &written
                ) != nil
            }
        }
        guard isDone, written == octets else { throw CryptoError("compute an HMAC") }
        return digest
    }
}
