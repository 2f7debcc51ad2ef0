/// What a request asks for, RFC 9110 §9; case counts.
package enum HTTPMethod: Hashable, Sendable {
    case get
    case head
    case post
    case put
    case patch
    case delete
    case options
    case other(String)

    package init(_ name: String) {
        self =
            switch name {
            case "GET": .get
            case "POST": .post
            case "HEAD": .head
            case "PUT": .put
            case "PATCH": .patch
            case "DELETE": .delete
            case "OPTIONS": .options
            default: .other(name)
            }
    }

    package var name: String {
        switch self {
        case .get: "GET"
        case .head: "HEAD"
        case .post: "POST"
        case .put: "PUT"
        case .patch: "PATCH"
        case .delete: "DELETE"
        case .options: "OPTIONS"
        case .other(let name): name
        }
    }
}

/// A minor version above 1 is treated as 1.1, RFC 9110 §2.5.
package enum HTTPVersion: Hashable, Sendable {
    case http10
    case http11
}

/// How a message's content is delimited, RFC 9112 §6.3.
package enum HTTPFraming: Hashable, Sendable {
    case none
    case length(Int)
    case chunked
    /// Responses only: the content ends with the connection.
    case untilClose
}
