import COpenSSL

/// Keyed hashes (RFC 2104).
package enum HMAC {
    package static func sha256(key: Span<UInt8>, _ message: Span<UInt8>) -> [UInt8] {
        var code = [UInt8](repeating: 0, count: SHA256.octets)
        let result = key.withUnsafeBufferPointer { key in
            message.withUnsafeBufferPointer { message in
                COpenSSL.HMAC(
                    EVP_sha256(),
                    key.baseAddress ?? .empty,
                    Int32(key.count),
                    message.baseAddress ?? .empty,
                    message.count,
                    &code,
                    nil
                )
            }
        }
        precondition(result != nil, "HMAC-SHA-256 is missing from OpenSSL")
        return code
    }
}
