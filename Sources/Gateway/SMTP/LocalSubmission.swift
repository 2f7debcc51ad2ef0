import Mail
import Policy

extension Rulebook {
    /// The connector that local users submit through: the one that would serve 127.0.0.1, on port 25
    /// if there is one. An application may show its key there: nothing leaves the machine.
    var localSubmission: ReceiveConnector? {
        guard var connector = localConnector else { return nil }
        connector.permissionGroups.insert(.applications)
        connector.authentication = [.plain]
        connector.tls = TLSPolicy()
        return connector
    }

    private var localConnector: ReceiveConnector? {
        let serving = receiveConnectors.filter { connector in
            connector.isEnabled && connector.door == .smtp && connector.tls.mode != .implicit
                && connector.permissionGroups.contains(.anonymous)
        }
        let ports = serving.flatMap(\.bindings).map(\.port)
        for port in ports.filter({ $0 == 25 }) + ports {
            if let connector = connector(at: .loopback, port: port, for: .loopback),
                connector.door == .smtp
            {
                return connector
            }
        }
        return nil
    }
}
