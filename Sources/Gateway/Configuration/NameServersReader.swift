import Delivery

extension ConfigurationDraft {
    /// `dns: {servers, validating}`, of the whole or of one route.
    func readNameServers(of parent: SettingsReader) -> NameServers? {
        guard let reader = parent.object("dns", like: "{ servers: [\"192.0.2.53\"] }") else {
            return nil
        }
        let servers = reader.values("servers", "an IP address, or one with a port") {
            NameServers.server($0)
        }
        let isValidating = reader.bool("validating") ?? false
        reader.finish(knownTo: "dns")
        guard let servers, !servers.isEmpty else {
            if !reader.isFaulty("servers") {
                reader.note("servers", "must list at least one name server, such as \"192.0.2.53\"")
            }
            return nil
        }
        return NameServers(servers: servers, isValidating: isValidating)
    }
}
