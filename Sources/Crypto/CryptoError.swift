import COpenSSL

/// What OpenSSL would not do, in its own words.
package struct CryptoError: Error, Equatable, CustomStringConvertible {
    package let operation: String
    package let reason: String

    package var description: String { "\(operation): \(reason)" }

    /// Takes the oldest error of this thread's queue and empties it.
    init(_ operation: String) {
        self.operation = operation
        let code = ERR_get_error()
        ERR_clear_error()
        reason =
            code == 0
            ? "no reason given"
            : ERR_reason_error_string(code).map { String(cString: $0) } ?? "error \(code)"
    }

    init(_ operation: String, reason: String) {
        self.operation = operation
        self.reason = reason
    }
}
