import COpenSSL

extension StreamError {
    /// What OpenSSL has to say about its last failure, for a human; its queue is then empty.
    static func takeTLS(_ fallback: String) -> StreamError {
        var reasons: [String] = []
        while true {
            let code = ERR_get_error()
            guard code != 0 else { break }
            let reason = openSSLReason(code)
            if !reasons.contains(reason) { reasons.append(reason) }
        }
        return .tls(reasons.isEmpty ? fallback : reasons.joined(separator: "; "))
    }
}

private func openSSLReason(_ code: UInt) -> String {
    // System errors carry an errno and have no text of OpenSSL's own.
    if let text = ERR_reason_error_string(code) { return String(cString: text) }
    return systemErrorText(ERR_GET_REASON(code))
}
