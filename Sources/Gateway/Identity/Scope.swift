/// What a key may do. Scopes belong to the application; an administrator's key has every one.
enum Scope: String, CaseIterable, Sendable {
    case send = "messages:send"
    case read = "messages:read"
    case manage = "messages:manage"
    case content = "messages:content"
    case ingest = "alerts:ingest"
    case readAlerts = "alerts:read"
    case manageAlerts = "alerts:manage"
    case admin

    /// What `app add` gives without `--scope`.
    static let standard: [Scope] = [.send, .read, .manage, .ingest, .readAlerts]

    /// No application holds `admin`.
    static let grantable = allCases.filter { $0 != .admin }
}
