import Wire

/// `connector list` and `domain list`: what is configured.
enum ListCommands {
    static let all = [
        Command("connector list", "", "lists receive connectors") {
            it async throws(CommandFailure) in
            try await Listing.print(
                it,
                "/v1/connectors",
                [
                    ("NAME", "name"), ("PROTOCOL", "protocol"), ("BINDINGS", "bindings"),
                    ("REMOTE RANGES", "remote_ip_ranges"), ("ENABLED", "enabled"), ("TLS", "tls"),
                    ("PERMISSION GROUPS", "permission_groups"), ("RIGHTS", "rights"),
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
