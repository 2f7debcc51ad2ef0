/// How a command ends, after sysexits(3).
package enum ExitStatus: Int32, Sendable {
    case done = 0
    case usage = 64
    case badData = 65
    case unavailable = 69
    case cannotCreate = 73
    case storeDamaged = 74
    case tryAgain = 75
    case notPermitted = 77
    case configuration = 78
}

/// Why a command could not do its work, in a sentence for the terminal.
struct CommandFailure: Error, Sendable {
    let status: ExitStatus
    let message: String

    init(_ status: ExitStatus, _ message: String) {
        self.status = status
        self.message = message
    }
}
