import Delivery
import Mail
import Policy
import Store
import Wire

/// POST /v1/explain: what would happen to a mail, by the code that would make it happen.
enum ExplainResource {
    static func explain(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        var form = try await api.form(of: request)
        let question = try Question(&form, api)
        let explanation = question.explanation(by: api)
        return .json { explanation.write(to: &$0) }
    }

    /// The facts of the mail in question.
    private struct Question {
        var sender: ReversePath
        var recipient: Mailbox
        var peer: IPAddress
        var local: IPAddress?
        var port: Int?
        var application: ApplicationRecord?
        var isSecure: Bool
        var octets: Int

        init(_ form: inout FormReader, _ api: API) throws(Problem) {
            let from = form.string("from")
            let to = form.string("to")
            let ip = form.string("ip")
            let localText = form.string("local")
            port = form.integer("port", in: 1...65_535)
            let application = form.string("application")
            isSecure = form.bool("tls") ?? false
            octets = form.integer("size", in: 0...Int.max) ?? 0
            form.finish()
            peer = form.address(ip, "ip") ?? .loopback
            local = form.address(localText, "local")
            sender = form.path(from)
            recipient = form.recipient(to, api.configuration) ?? Mailbox(localPart: "", domain: "")
            if let name = application {
                self.application = api.directory.application(name)
                if self.application == nil {
                    form.note("application", "not_found", "there is no application \(name)")
                }
            }
            guard form.problems.isEmpty else { throw .invalid(form.problems) }
        }

        func explanation(by api: API) -> Explanation {
            let configuration = api.configuration
            let rules = configuration.rulebook
            let port = port ?? defaultPort(rules)
            let local = local ?? defaultLocal(rules, port)
            guard let connector = rules.connector(at: local, port: port, for: peer) else {
                return Explanation(
                    connector: nil,
                    decision: nil,
                    reply: .noConnector,
                    note: "no connector at \(local) port \(port) serves \(peer)"
                )
            }
            let isSecure = isSecure || connector.tls.mode == .implicit
            // After a logon that fails a client is one of the anonymous.
            let hindrance = application?.hindrance(at: connector, from: peer, isSecure: isSecure)
            let applicant = hindrance == nil ? application?.applicant : nil
            let client = Client(
                connector: connector,
                peer: peer,
                principal: applicant.map { .application($0) } ?? .anonymous,
                isSecure: isSecure
            )
            var explanation = rules.explain(
                Submission(
                    client: client,
                    sender: sender,
                    recipients: [recipient],
                    octets: octets
                ),
                retry: configuration.delivery.retry
            )
            explanation.hindrance = hindrance
            return explanation
        }

        /// Where a client of that family would find the port: loopback, if anything listens there.
        private func defaultLocal(_ rules: Rulebook, _ port: Int) -> IPAddress {
            let loopback = peer.family == .v4 ? IPAddress.loopback : IPAddress(v6: 1)
            let bindings = rules.receiveConnectors.filter(\.isEnabled).flatMap(\.bindings).filter {
                $0.port == port && $0.family == peer.family
            }
            let isThere = bindings.contains { $0.address == nil || $0.address == loopback }
            return isThere ? loopback : bindings.lazy.compactMap(\.address).first ?? loopback
        }

        /// An application comes by HTTP where there is such a door, the anonymous by port 25.
        private func defaultPort(_ rules: Rulebook) -> Int {
            let door: ReceiveConnector.Door = application == nil ? .smtp : .http
            let connectors = rules.receiveConnectors.filter(\.isEnabled)
            let ports = connectors.filter { $0.door == door }.flatMap(\.bindings).map(\.port)
            if door == .smtp, ports.contains(25) { return 25 }
            return ports.first ?? connectors.first?.bindings.first?.port ?? 25
        }
    }
}

/// A decision about one recipient as `explain` and a dry run show it.
struct Explanation {
    /// Only a dry run names it: there may be several.
    var address: String?
    var connector: String?
    var decision: Decision?
    var reply: Reply
    var note: String?
    /// Why the application cannot log on.
    var hindrance: String?
    var retry: RetrySchedule?

    func write(to json: inout JSONWriter) {
        json.beginObject()
        if let address { json.member("address", address) }
        let isAccepted = decision?.approval != nil
        json.member("accepted", isAccepted)
        json.member("connector", connector)
        json.member("rule", decidingRule.rawValue)
        if let decision {
            decision.writeRules(to: &json, logon: hindrance)
        } else {
            json.members("rules", [note ?? ""]) { note, json in
                json.beginObject()
                json.member("name", Rule.connector.rawValue)
                json.member("finding", note)
                json.endObject()
            }
        }
        json.key("reply")
        reply.write(to: &json)
        json.member("route", decision?.approval?.recipients.first?.route)
        if isAccepted, let retry {
            json.member("retry", retry.steps.map(\.description))
        } else {
            json.key("retry")
            json.null()
        }
        json.endObject()
    }

    private var decidingRule: Rule {
        decision?.refusal?.rule ?? decision?.findings.last?.rule ?? .connector
    }
}

extension Rulebook {
    /// The decision about a mail to one recipient, told.
    func explain(_ submission: Submission, retry: RetrySchedule) -> Explanation {
        let decision = decide(submission)
        return Explanation(
            connector: submission.client.connector.name,
            decision: decision,
            reply: decision.refusal?.reply ?? Reply(250, "2.1.5", "Recipient OK"),
            retry: retry
        )
    }
}

extension ApplicationRecord {
    /// Why it cannot log on there, where applications may submit.
    fileprivate func hindrance(
        at connector: ReceiveConnector,
        from peer: IPAddress,
        isSecure: Bool
    ) -> String? {
        guard connector.permissionGroups.contains(.applications) else { return nil }
        let identity = Identity(of: self, by: .key("", expiresAt: nil))
        guard (try? identity.admitted(from: peer)) != nil else {
            return "\(name) may be used only from \(ipRanges.joined(separator: ", "))"
        }
        guard identity.holds(.send) else { return "\(name) lacks the scope messages:send" }
        guard connector.door == .smtp else { return nil }
        let takesCertificates = isSecure && connector.tls.clientCAFile != nil
        guard !takesCertificates, !connector.offersLogon(isSecure: isSecure) else { return nil }
        return connector.authentication.isEmpty
            ? "\(name) cannot log on: the connector has no authentication"
            : "\(name) cannot log on without TLS"
    }
}

extension FormReader {
    fileprivate mutating func address(_ text: String?, _ name: String) -> IPAddress? {
        guard let text else { return nil }
        guard let address = IPAddress(text) else {
            note(name, "invalid", "\(name) must be an IP address")
            return nil
        }
        return address
    }

    fileprivate mutating func path(_ text: String?) -> ReversePath {
        guard let text, !text.isEmpty, text != "<>" else {
            if text == nil { note("from", "missing", "from is needed; \"\" is the null sender") }
            return .null
        }
        return mailbox(text, "from").map { .mailbox($0) } ?? .null
    }

    fileprivate mutating func recipient(
        _ text: String?,
        _ configuration: Configuration
    ) -> Mailbox? {
        guard let text else {
            note("to", "missing", "to is needed")
            return nil
        }
        if !text.contains("@"), let named = configuration.mailbox(for: .name(text), at: nil) {
            return named
        }
        return mailbox(text, "to")
    }

    private mutating func mailbox(_ text: String, _ name: String) -> Mailbox? {
        do {
            return try Mailbox(parsing: text)
        } catch {
            note(name, "invalid_address", error.reason)
            return nil
        }
    }
}
