import Delivery
import Mail
import Policy
import Store
import Wire

/// A route as administrators see it.
struct RouteView {
    enum Condition: String {
        case active, suspended, resting, unconfigured
    }

    let name: String
    /// Nil where mail waits for a route that is not configured.
    let route: Route?
    let connector: SendConnector?
    /// Nil where no server runs.
    let state: RouteState?
    let suspension: RouteSuspension?
    /// Recipients that wait.
    let depth: Int

    var condition: Condition {
        if route == nil { return .unconfigured }
        if suspension != nil { return .suspended }
        return state?.restsUntil == nil ? .active : .resting
    }

    private var reason: String? {
        switch condition {
        case .active: nil
        case .unconfigured: "no send connector has this name; mail waits for it"
        case .suspended: suspension?.reason
        case .resting: state?.restReason
        }
    }

    func write(to json: inout JSONWriter) {
        json.beginObject()
        json.member("name", name)
        json.member("state", condition.rawValue)
        json.member("reason", reason)
        json.member("since", suspension?.since)
        json.member("until", suspension == nil ? state?.restsUntil : suspension?.until)
        json.member("by", suspension?.by)
        json.member("queue_depth", depth)
        json.member("sending", state?.sending)
        json.member("open_connections", state?.connections)
        writeConfiguration(to: &json)
        json.members("hosts", hosts) { host, json in
            json.beginObject()
            json.member("host", host.name)
            json.member("state", host.ailment == nil ? "healthy" : "dead")
            json.member("reason", host.ailment?.reason)
            json.member("retry_at", host.ailment?.until)
            json.endObject()
        }
        json.member("last_error", state?.lastError)
        json.member("last_error_at", state?.lastErrorAt)
        json.member("last_success_at", state?.lastSuccessAt)
        json.endObject()
    }

    private func writeConfiguration(to json: inout JSONWriter) {
        json.member("delivery", route?.hop.name)
        json.member("address_spaces", connector?.addressSpaces.map(\.description) ?? [])
        json.member("cost", connector?.cost)
        json.member("tls", route?.security.rawValue)
        json.member("max_connections", route?.limits.connections)
    }

    /// The smart hosts in their order; of a route by MX those that are passed over.
    private var hosts: [(name: String, ailment: AilingHost?)] {
        let ailing = state?.ailingHosts ?? []
        guard case .smartHosts(let configured)? = route?.hop else {
            return ailing.map { ($0.host, $0) }
        }
        return configured.map { host in
            (host.description, ailing.first { $0.host == host.description })
        }
    }
}

extension Route.Hop {
    fileprivate var name: String {
        switch self {
        case .smartHosts: "smart_hosts"
        case .mailExchangers: "mx"
        case .capture: "capture"
        }
    }
}
