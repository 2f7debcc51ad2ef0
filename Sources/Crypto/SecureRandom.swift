import COpenSSL
import Synchronization

/// Bytes that nobody can guess, from OpenSSL's generator.
package enum SecureRandom {
    package static func bytes(_ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        // A gateway without randomness must not go on: its keys could be guessed.
        precondition(RAND_bytes(&bytes, Int32(count)) == 1, "no randomness")
        return bytes
    }

    private static let pool = Mutex<[UInt64]>([])

    /// For numbers that are made with every request: the generator is asked once for many.
    package static func next() -> UInt64 {
        pool.withLock { pool in
            if pool.isEmpty { refill(&pool) }
            return pool.removeLast()
        }
    }

    private static func refill(_ pool: inout [UInt64]) {
        let bytes = bytes(512 * 8)
        for start in stride(from: 0, to: bytes.count, by: 8) {
            pool.append(bytes[start..<start + 8].reduce(0) { $0 << 8 | UInt64($1) })
        }
    }
}

/// The same as a `RandomNumberGenerator`.
package struct SecureRandomGenerator: RandomNumberGenerator {
    package init() {}

    package mutating func next() -> UInt64 { SecureRandom.next() }
}
