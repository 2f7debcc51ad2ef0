/// Why a stream could not go on. The peer hears nothing of it; it is for the operator's log.
package enum StreamError: Error, Equatable {
    /// The wait's limit passed first.
    case timedOut
    /// The peer broke the connection off, or ended a TLS stream without saying so.
    case reset
    /// Used after `close()`, or its loop has shut down.
    case closed
    /// An idle wait ended because the process drains.
    case draining
    case system(operation: String, errno: Int32)
    case tls(String)
}

extension StreamError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .timedOut: "timed out"
        case .reset: "connection reset by peer"
        case .closed: "connection closed"
        case .draining: "shutting down"
        case .system(let operation, let number): "\(operation): \(systemErrorText(number))"
        case .tls(let text): "TLS: \(text)"
        }
    }
}
