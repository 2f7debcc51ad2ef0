import COpenSSL

/// scrypt (RFC 7914): a hash that is dear on purpose, for secrets that people choose. It keeps its
/// thread busy for as long as its cost says.
package struct Scrypt: Hashable, Sendable {
    /// N, a power of two: time and memory grow with it.
    package let cost: Int
    /// r: how many blocks of 128 octets are mixed at once.
    package let blockSize: Int
    /// p.
    package let parallelism: Int

    package init(cost: Int, blockSize: Int, parallelism: Int) {
        self.cost = cost
        self.blockSize = blockSize
        self.parallelism = parallelism
    }

    /// 16 MB, and 40 to 80 ms on the processors of these years.
    package static let standard = Scrypt(cost: 1 << 14, blockSize: 8, parallelism: 1)

    /// Parameters beyond this do not come from us, and could fill the memory.
    private static let memoryLimit: UInt64 = 256 << 20

    package func derive(
        _ octets: Int,
        from secret: Span<UInt8>,
        salt: Span<UInt8>
    ) throws(CryptoError) -> [UInt8] {
        guard cost > 1, blockSize > 0, parallelism > 0 else {
            throw CryptoError("derive a key by scrypt", reason: "parameters out of range")
        }
        var key = [UInt8](repeating: 0, count: octets)
        let isDone = secret.withUnsafeBufferPointer { secret in
            salt.withUnsafeBufferPointer { salt in
                secret.withMemoryRebound(to: CChar.self) { secret in
                    EVP_PBE_scrypt(
                        secret.baseAddress,
                        secret.count,
                        salt.baseAddress ?? .empty,
                        salt.count,
                        UInt64(cost),
                        UInt64(blockSize),
                        UInt64(parallelism),
                        Self.memoryLimit,
                        &key,
                        octets
                    )
                }
            }
        }
        guard isDone == 1 else { throw CryptoError("derive a key by scrypt") }
        return key
    }
}
