import CLinux
import Glibc

/// What the C library calls an error number, in English whatever the locale.
func systemErrorText(_ number: Int32) -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
        guard let start = buffer.baseAddress, __xpg_strerror_r(number, start, buffer.count) == 0
        else { return "error \(number)" }
        return String(cString: start)
    }
}

extension StreamError {
    /// The last system call's failure as what it means for a stream.
    init(failed operation: String, errno number: Int32 = errno) {
        switch number {
        case ECONNRESET, EPIPE, ECONNABORTED: self = .reset
        case ETIMEDOUT: self = .timedOut
        default: self = .system(operation: operation, errno: number)
        }
    }
}
