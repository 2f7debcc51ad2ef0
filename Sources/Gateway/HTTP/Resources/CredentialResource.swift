import Crypto
import Mail
import Store
import Wire

/// /v1/credentials: user names and passwords for devices that cannot hold a key.
enum CredentialResource {
    static func list(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        let credentials = api.directory.credentials
        return .json { json in
            json.beginObject()
            json.members("data", credentials) { write($0, api, to: &$1) }
            json.endObject()
        }
    }

    static func show(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        let record = try find(api, request)
        return .json { write(record, api, to: &$0) }
    }

    static func create(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        var form = try await api.form(of: request)
        let wish = try CredentialRequest(&form, api.directory)
        let record = try await make(wish, api)
        do throws(StoreError) {
            try await api.store.insert(record)
            try await api.directory.reload()
        } catch .conflict {
            throw taken(wish.username)
        } catch {
            throw Problem(error)
        }
        try await api.note("credential.created", request, record.facts)
        api.gateway.log.info(
            "credential added",
            ["credential": record.id.description, "user": record.username]
        )
        return .json(201) {
            // Whoever chose the password knows it; ours is shown this once.
            write(record, api, password: wish.isGenerated ? wish.password : nil, to: &$0)
        }.with("Location", "/v1/credentials/\(record.id)")
    }

    private static func make(
        _ wish: CredentialRequest,
        _ api: API
    ) async throws(Problem) -> CredentialRecord {
        // Before the costly part.
        guard api.directory.credential(named: wish.username) == nil else {
            throw taken(wish.username)
        }
        let id = CredentialID(at: api.now)
        do {
            let logons = api.gateway.logons
            return CredentialRecord(
                id: id,
                application: wish.application,
                username: wish.username,
                verifier: try await logons.verifier(of: wish.password).description,
                sealedSecret: wish.isRecoverable
                    ? try logons.vault.seal(wish.password, for: id) : nil,
                createdAt: api.now
            )
        } catch {
            api.gateway.log.error("credential not made", ["reason": "\(error)"])
            throw Problem(500, "internal_error", "the password cannot be kept: \(error)")
        }
    }

    static func remove(_ api: API, _ request: Request) async throws(Problem) -> Answer {
        let record = try find(api, request)
        do throws(StoreError) {
            try await api.store.remove(record.id)
            try await api.directory.reload()
        } catch {
            throw Problem(error)
        }
        try await api.note("credential.removed", request, record.facts)
        api.gateway.log.info(
            "credential removed",
            ["credential": record.id.description, "user": record.username]
        )
        return .noContent
    }

    private static func taken(_ username: String) -> Problem {
        Problem(
            409,
            "already_exists",
            "there is a user \(username) already; user names are unique over the gateway",
            items: [.init("/username", "already_exists", "the user name is taken")]
        )
    }

    /// By id or by user name.
    private static func find(_ api: API, _ request: Request) throws(Problem) -> CredentialRecord {
        guard let record = api.directory.credential(try request.parameter("id")) else {
            throw .notFound
        }
        return record
    }

    private static func write(
        _ record: CredentialRecord,
        _ api: API,
        password: String? = nil,
        to json: inout JSONWriter
    ) {
        json.beginObject()
        json.member("id", record.id.description)
        json.member("application", record.application.description)
        json.member(
            "application_name",
            api.directory.applications.first { $0.id == record.application }?.name
        )
        json.member("username", record.username)
        json.member("cram_md5", record.sealedSecret != nil)
        json.member("created_at", record.createdAt)
        json.member("last_used_at", record.lastUsedAt)
        if let password { json.member("password", password) }
        json.endObject()
    }
}

/// A credential as an administrator asks for it.
private struct CredentialRequest {
    let application: ApplicationID
    let username: String
    let password: String
    let isGenerated: Bool
    let isRecoverable: Bool

    init(_ form: inout FormReader, _ directory: Directory) throws(Problem) {
        let holder = form.string("application", maximum: 100)
        let username = form.string("username", maximum: 100)
        let password = form.string("password", maximum: 256)
        isRecoverable = form.bool("cram_md5") ?? false
        form.finish()
        let application = holder.flatMap { directory.application($0) }
        if application == nil, form.problems.isEmpty {
            form.note(
                "application",
                holder == nil ? "missing" : "not_found",
                holder.map { "there is no application \($0)" }
                    ?? "a credential needs an application"
            )
        }
        Self.check(username, in: &form)
        if let password { Self.check(password: password, in: &form) }
        guard form.problems.isEmpty, let application, let username else {
            throw .invalid(form.problems)
        }
        self.application = application.id
        self.username = username
        isGenerated = password == nil
        self.password = password ?? GeneratedPassword.make()
    }

    /// ASCII, because devices do not agree on how anything else is written.
    private static func check(_ username: String?, in form: inout FormReader) {
        guard let username else {
            if form.problems.isEmpty { form.note("username", "missing", "a user needs a name") }
            return
        }
        let isPrintable = username.utf8.allSatisfy { (0x20...0x7e).contains($0) }
        guard !username.isEmpty, isPrintable, username.first != " ", username.last != " ",
            CredentialID(username) == nil, APIKey(username) == nil
        else {
            return form.note(
                "username",
                "invalid",
                "a user name is 1 to 100 printable ASCII characters, without a space at either"
                    + " end, and no id"
            )
        }
    }

    private static func check(password: String, in form: inout FormReader) {
        let hasControls = password.utf8.contains { $0 < 0x20 || $0 == 0x7f }
        guard !password.isEmpty, !hasControls, APIKey(password) == nil else {
            return form.note(
                "password",
                "invalid",
                "a password is 1 to 256 octets without control characters, and no API key"
            )
        }
    }
}

extension CredentialRecord {
    /// What the log tells of it.
    fileprivate var facts: [(String, String)] {
        [("credential", id.description), ("user", username)]
    }
}
