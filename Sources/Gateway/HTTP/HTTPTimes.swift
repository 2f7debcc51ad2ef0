import Mail
import Net
import Policy
import Wire

/// How long a client may take; the connector's `inactivity` bounds all of it.
struct HTTPTimes {
    let idle: Duration
    let head: Duration
    let body: Duration

    init(_ limits: ReceiveLimits) {
        idle = limits.inactivity == .zero ? .seconds(86_400) : limits.inactivity
        head = min(idle, .seconds(15))
        body = min(idle, .seconds(30))
    }
}

/// A conversation ends by what the client said, or by the connection.
enum ConversationError: Error {
    case problem(Problem)
    case stream(StreamError)
}

extension Problem {
    static func notServed(_ peer: IPAddress) -> Problem {
        Problem(403, "source_address_not_allowed", "no connector here serves \(peer)").closing
    }

    static func timedOut(_ what: String) -> Problem {
        Problem(408, "request_timeout", "\(what) did not arrive in time").closing
    }

    init(_ error: HTTPParseError) {
        let code =
            switch error.status {
            case 413: "payload_too_large"
            case 414: "uri_too_long"
            case 431: "headers_too_large"
            case 501: "not_implemented"
            case 505: "version_not_supported"
            default: "malformed_request"
            }
        self = Problem(error.status, code, error.reason).closing
    }
}
