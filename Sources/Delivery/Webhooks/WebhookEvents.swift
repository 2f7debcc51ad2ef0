/// The events of webhooks, and what the log calls them.
package enum WebhookEvents {
    private static let messages = [
        "queued", "scheduled", "deferred", "relayed", "delivered", "failed", "uncertain",
        "suppressed", "canceled", "expired",
    ]

    /// As subscribers name them.
    package static let names =
        messages.map { "message.\($0)" } + [
            "alert.opened", "alert.updated", "alert.resolved", "storm.started", "storm.ended",
            "route.suspended", "route.resumed", "key.created", "key.rotated", "key.revoked",
        ]

    /// The type in the log of an event that subscribers know by that name.
    package static func type(of name: String) -> String {
        name.hasPrefix("message.") ? String(name.dropFirst("message.".count)) : name
    }

    package static func name(of type: String) -> String {
        messages.contains(type) ? "message.\(type)" : type
    }
}
