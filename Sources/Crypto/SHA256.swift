import COpenSSL

/// SHA-256 (FIPS 180-4), fed in pieces or at once.
package struct SHA256: Sendable {
    package static let octets = 32

    private var state: State

    package init() {
        state = State()
    }

    package mutating func update(_ bytes: Span<UInt8>) {
        if !isKnownUniquelyReferenced(&state) { state = State(copying: state) }
        state.update(bytes)
    }

    /// The digest of all that was fed; the value then starts anew.
    package mutating func finish() -> [UInt8] {
        if !isKnownUniquelyReferenced(&state) { state = State(copying: state) }
        return state.finish()
    }

    package static func digest(_ bytes: Span<UInt8>) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: octets)
        let isDone = bytes.withUnsafeBufferPointer {
            EVP_Digest($0.baseAddress ?? .empty, $0.count, &digest, nil, State.algorithm, nil)
        }
        precondition(isDone == 1, "SHA-256 is missing from OpenSSL")
        return digest
    }

    /// `@unchecked`: changed only while `isKnownUniquelyReferenced`, that is by one holder.
    private final class State: @unchecked Sendable {
        /// Fetched once: an implicit fetch a digest costs more than the digest of a short key.
        static nonisolated(unsafe) let algorithm = EVP_MD_fetch(nil, "SHA256", nil)

        private let context: OpaquePointer

        init() {
            context = EVP_MD_CTX_new()
            precondition(EVP_DigestInit_ex(context, Self.algorithm, nil) == 1)
        }

        init(copying other: State) {
            context = EVP_MD_CTX_new()
            precondition(EVP_MD_CTX_copy_ex(context, other.context) == 1)
        }

        func update(_ bytes: Span<UInt8>) {
            bytes.withUnsafeBufferPointer {
                precondition(EVP_DigestUpdate(context, $0.baseAddress ?? .empty, $0.count) == 1)
            }
        }

        func finish() -> [UInt8] {
            var digest = [UInt8](repeating: 0, count: SHA256.octets)
            precondition(EVP_DigestFinal_ex(context, &digest, nil) == 1)
            precondition(EVP_DigestInit_ex(context, Self.algorithm, nil) == 1)
            return digest
        }

        deinit { EVP_MD_CTX_free(context) }
    }
}

extension UnsafePointer<UInt8> {
    /// Somewhere to point when there is nothing to point at: OpenSSL reads null as "not given".
    static var empty: UnsafePointer<UInt8> { oneByte }

    private static nonisolated(unsafe) let oneByte: UnsafePointer<UInt8> = {
        let byte = UnsafeMutablePointer<UInt8>.allocate(capacity: 1)
        byte.initialize(to: 0)
        return UnsafePointer(byte)
    }()
}
