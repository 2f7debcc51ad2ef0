import Mail
import Net
import Policy
import Store
import Wire

/// Who asks, and what they may.
extension API {
    func admit(_ request: Request, to access: Access) throws(Problem) {
        guard access != .everyone else { return }
        if case .nobody = request.identity.holder {
            request.identity = try identify(request)
        }
        request.rates = rates(of: request, for: request.identity.application)
        switch access {
        case .everyone, .anyKey: return
        case .administrator:
            guard request.identity.isAdministrator else {
                throw .insufficientScope("this needs an administrator's key")
            }
        case .scope(let scope):
            guard request.identity.holds(scope) else {
                throw .insufficientScope("this needs the scope \(scope.rawValue)")
            }
        }
    }

    private func rates(of request: Request, for application: ApplicationRecord?) -> [Rate] {
        [application.flatMap { Rate($0) }, request.connector.flatMap { Rate($0, request.peer) }]
            .compactMap { $0 }
    }

    private func identify(_ request: Request) throws(Problem) -> Identity {
        guard request.connector?.permissionGroups.contains(.applications) ?? true else {
            throw .insufficientScope("this connector does not serve applications")
        }
        do throws(CredentialError) {
            return try identity(of: request)
        } catch {
            gateway.log.info(
                "credentials refused",
                ["peer": request.peer.description, "reason": "\(error)"]
            )
            if error != .missing { metrics.countFailedLogon() }
            throw Problem(error)
        }
    }

    /// By a key, by a client certificate, or by both if they agree.
    private func identity(of request: Request) throws(CredentialError) -> Identity {
        let key = try request.head.key
        let certified = try request.tls?.peerFingerprint.flatMap {
            fingerprint throws(CredentialError) in
            try directory.identify(certificate: fingerprint, from: request.peer)
        }
        guard let key else {
            guard let certified else { throw .missing }
            return certified
        }
        let identity = try directory.identify(key, from: request.peer, at: now)
        guard certified == nil || certified?.application?.id == identity.application?.id else {
            throw .invalid
        }
        return identity
    }

    /// The application a submission is decided for. An administrator names one.
    func submitter(
        of request: Request
    ) throws(Problem) -> (record: ApplicationRecord, facts: Applicant) {
        let named = try request.query("application")
        switch request.identity.holder {
        case .application(let record, let facts):
            guard named == nil || named == record.name || named == record.id.description else {
                throw .insufficientScope("a key submits for its own application only")
            }
            return (record, facts)
        case .administrator:
            guard let named else {
                throw .insufficientScope("an administrator submits with ?application=NAME")
            }
            guard let record = directory.application(named) else {
                throw .invalid("", "there is no application \(named)")
            }
            request.rates = rates(of: request, for: record)
            return (record, record.applicant)
        case .nobody:
            throw Problem(CredentialError.missing)
        }
    }

    func client(of request: Request, as principal: Principal) -> Client {
        Client(
            connector: request.connector ?? .control,
            peer: request.peer,
            principal: principal,
            isSecure: request.isSecure
        )
    }

    /// Whose messages a listing may show.
    func visibleApplication(_ request: Request) throws(Problem) -> VisibleApplication {
        let named = try request.query("application")
        if let own = request.identity.application {
            return named == nil || named == own.name || named == own.id.description
                ? .only(own.id) : .none
        }
        guard let named else { return .all }
        return directory.application(named).map { .only($0.id) } ?? .none
    }
}

enum VisibleApplication {
    case all
    case only(ApplicationID)
    case none
}

extension ReceiveConnector {
    /// The control socket as a door: applications by way of an administrator.
    static let control: ReceiveConnector = {
        var connector = ReceiveConnector(name: "control", door: .http, bindings: [])
        connector.permissionGroups = [.applications]
        connector.limits = .http
        return connector
    }()
}

extension HTTPRequestHead {
    /// The key in the request, nil where there is none. Two that disagree are refused.
    fileprivate var key: String? {
        get throws(CredentialError) {
            var key: String?
            for credential in fields.credentials {
                guard let secret = credential.secret, key == nil || key == secret else {
                    throw .invalid
                }
                key = secret
            }
            return key
        }
    }
}

extension Problem {
    init(_ error: CredentialError) {
        let challenge: (Problem) -> Problem = {
            $0.with("WWW-Authenticate", "Bearer realm=\"postern\"")
                .with("WWW-Authenticate", "Basic realm=\"postern\", charset=\"UTF-8\"")
        }
        self =
            switch error {
            case .missing:
                challenge(
                    Problem(
                        401,
                        "missing_credentials",
                        "send a key as Authorization: Bearer, as Basic password, or as X-API-Key;"
                            + " or a client certificate that an application lists"
                    )
                )
            case .invalid:
                challenge(Problem(401, "invalid_credentials", "this key is not known here"))
            case .expired:
                challenge(
                    Problem(401, "expired_credentials", "this key has expired; issue another")
                )
            case .addressNotAllowed:
                Problem(
                    403,
                    "source_address_not_allowed",
                    "this key may not be used from this address"
                )
            case .insufficientScope:
                Problem(403, "insufficient_scope", "this needs the scope messages:send")
            }
    }
}
