import Mail
import Net
import Policy
import Store
import Wire

/// Who the client is now, and STARTTLS.
extension SMTPConversation {
    /// Makes a reload, and the end or change of a key, hold for an open session. False when the
    /// connector no longer serves this client.
    func renewClient() -> Bool {
        let current = gateway.configuration
        if current === configuration, identity == nil { return true }
        let rules = current.rulebook
        guard let connector = renewedConnector(by: rules) else { return false }
        configuration = current
        visit.follow(connector, gateway)
        session.keepHeard(connector.keepsProtocolLog)
        guard let known = identity else {
            client = client.with(connector: connector)
            return true
        }
        let now = gateway.clock()
        identity = try? gateway.directory.renewed(known, from: client.peer, at: now)
        if let application = identity?.application, identity?.holds(.send) == true {
            client = client.with(
                connector: connector,
                principal: .application(application.applicant)
            )
        } else {
            note("the session's logon is no longer valid")
            identity = nil
            session.didLoseLogon()
            client = client.with(connector: connector, principal: .anonymous)
        }
        return true
    }

    private func renewedConnector(by rules: Rulebook) -> ReceiveConnector? {
        guard !stream.peer.isUnix, let local = IPAddress(stream.local) else {
            return rules.localSubmission
        }
        return rules.renewed(
            client.connector,
            at: local,
            port: stream.local.port,
            for: client.peer
        )
    }

    func startTLS() async throws(StreamError) -> Bool {
        try await flush()
        guard let tls else { return false }
        do throws(StreamError) {
            let patience = client.connector.limits.patience(within: min(rest, .seconds(60)))
            try await stream.startTLS(tls, within: patience)
        } catch .tls(let reason) {
            note("TLS handshake failed: \(reason)")
            return false
        }
        dropTransaction()
        identity = nil
        hasFailedLogon = false
        client = client.with(principal: .anonymous, isSecure: true)
        adoptCertificate()
        session.didStartTLS()
        return true
    }
}
