import Mail
import Policy
import Wire

/// GET /v1/connectors: what is configured, and what each connector sees.
enum ConnectorResource {
    static func list(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        let connectors = api.configuration.rulebook.receiveConnectors
        let gateway = api.gateway
        return .json { json in
            json.beginObject()
            json.members("data", connectors) { connector, json in
                json.beginObject()
                connector.write(to: &json)
                gateway.figures(of: connector).write(to: &json)
                json.endObject()
            }
            json.endObject()
        }
    }
}

extension House {
    /// Nil where no server runs: then nobody counts.
    fileprivate func figures(of connector: ReceiveConnector) -> ConnectionCensus.Figures? {
        dispatcher == nil ? nil : census.figures(of: connector.name)
    }
}

extension ConnectionCensus.Figures? {
    fileprivate func write(to json: inout JSONWriter) {
        json.member("open_connections", self?.open)
        json.member("accepted_connections", self?.acceptedConnections)
        json.member("refused_connections", self?.refusedConnections)
        json.member("accepted", self?.accepted)
        json.member("refused", self?.refused)
        json.member("last_seen", self?.lastSeen)
    }
}

extension ReceiveConnector {
    fileprivate func write(to json: inout JSONWriter) {
        json.member("id", name)
        json.member("name", name)
        json.member("protocol", door.rawValue)
        json.member("bindings", bindings.map(\.description))
        json.member(
            "remote_ip_ranges",
            servesEveryone ? ["0.0.0.0/0", "::/0"] : remoteRanges.map(\.description)
        )
        json.member("enabled", isEnabled)
        json.member("tls", tls.mode.rawValue)
        json.member("authentication", authentication.map(\.rawValue))
        json.member("permission_groups", permissionGroups.map(\.rawValue).sorted())
        let names = { (set: Rights) in
            Rights.names.filter { set.contains($0.right) }.map(\.name)
        }
        json.member("rights", names(rights))
        json.member("without_rights", names(Rights.anonymousGroup.subtracting(rights)))
    }
}
