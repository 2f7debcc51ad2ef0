package enum InflateError: Error, Equatable {
    /// A sentence for people.
    case corrupt(String)
    /// The stream ends before it is complete.
    case truncated
    /// More would come out than is allowed.
    case tooLarge(limit: Int)

    package var reason: String {
        switch self {
        case .corrupt(let reason): reason
        case .truncated: "the compressed content is incomplete"
        case .tooLarge(let limit): "the content is longer than \(limit) octets when decompressed"
        }
    }
}
