import Wire

/// `connector list` and `domain list`: what is configured.
enum ListCommands {
    static let all = [
        Command("connector list", "", "lists receive connectors and what they see") {
            it async throws(CommandFailure) in
            try await Listing.print(
                it,
                "/v1/connectors",
                [
                    ("NAME", "name"), ("PROTOCOL", "protocol"), ("BINDINGS", "bindings"),
                    ("REMOTE RANGES", "remote_ip_ranges"), ("ENABLED", "enabled"), ("TLS", "tls"),
                    ("PERMISSION GROUPS", "permission_groups"), ("RIGHTS", "rights"),
                    ("OPEN", "open_connections"), ("ACCEPTED", "accepted"),
                    ("REFUSED", "refused"), ("LAST SEEN", "last_seen"),
                ]
            )
        },
        Command("domain list", "", "lists accepted domains") { it async throws(CommandFailure) in
            try await Listing.print(
                it,
                "/v1/domains",
                [("DOMAIN", "domain"), ("TYPE", "type")]
            )
        },
    ]
}
