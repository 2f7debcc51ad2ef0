import Mail
import Policy
import Store
import Wire

/// What a caller may know of itself and, as administrator, of the configuration.
enum InformationResource {
    static func me(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        let identity = request.identity
        return .json { json in
            json.beginObject()
            json.member("kind", identity.isAdministrator ? "administrator" : "application")
            json.member("key", identity.keyID.map { "key_\($0)" })
            json.member("expires_at", identity.keyExpiresAt)
            json.member("scopes", identity.scopes)
            json.key("application")
            if let application = identity.application {
                json.beginObject()
                json.member("id", application.id.description)
                json.member("name", application.name)
                json.endObject()
            } else {
                json.null()
            }
            let limits = (request.connector ?? .control).limits
            json.key("limits")
            json.beginObject()
            json.member("rate", identity.application?.rate.map { "\($0)/min" })
            json.member("message_size", limits.messageSize)
            json.member("recipients", limits.recipients)
            json.endObject()
            json.endObject()
        }
    }

    static func domains(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        let domains = api.configuration.rulebook.acceptedDomains
        return .json { json in
            json.beginObject()
            json.members("data", domains) { accepted, json in
                json.beginObject()
                json.member("id", accepted.domain.description)
                json.member("domain", accepted.domain.description)
                json.member("type", accepted.kind.rawValue)
                json.endObject()
            }
            json.endObject()
        }
    }

    static func audit(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        let seen = try await stored { () async throws(StoreError) in
            try await api.gateway.sources.flush()
            return try await SourceAudit.findings(api.store, api.configuration, at: api.now)
        }
        let findings = api.configuration.audit + api.directory.audit(at: api.now) + seen
        return .json { json in
            json.beginObject()
            json.members("data", findings) { $0.write(to: &$1) }
            json.endObject()
        }
    }
}

extension AuditFinding {
    func write(to json: inout JSONWriter) {
        json.beginObject()
        json.member("severity", severity == .refused ? "error" : "warning")
        json.member("code", code)
        json.member("subject", subject)
        json.member("detail", text)
        json.endObject()
    }
}
