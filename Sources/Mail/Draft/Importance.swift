/// How urgent a mail says it is.
package enum Importance: String, Sendable, CaseIterable {
    case critical
    case high
    case normal
    case low

    /// RFC 2156 §5.3.4; it knows three.
    var importance: String {
        switch self {
        case .critical, .high: "high"
        case .normal: "normal"
        case .low: "low"
        }
    }

    /// The scale of X-Priority: 1 is the highest, 3 is normal, 5 the lowest.
    var xPriority: String {
        switch self {
        case .critical: "1"
        case .high: "2"
        case .normal: "3"
        case .low: "5"
        }
    }
}
