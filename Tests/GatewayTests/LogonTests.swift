import Crypto
import Mail
import Policy
import Store
import Testing
import Wire

@testable import Gateway

extension Counter {
    /// Adds a credential by the API; its password.
    @discardableResult
    func addCredential(
        _ username: String,
        password: String? = nil,
        cramMD5: Bool = false
    ) async throws -> String {
        var body =
            "{\"application\":\"backup\",\"username\":\"\(username)\",\"cram_md5\":\(cramMD5)"
        if let password { body += ",\"password\":\"\(password)\"" }
        let made = try await ask(.post, "/v1/credentials", body + "}", isAdministrator: true)
        #expect(made.status == 201, "\(made.json)")
        return password ?? made.json["password"].text
    }

    func logOn(
        _ username: String,
        _ password: String,
        at now: Timestamp = start
    ) async -> LogonOutcome {
        await api.gateway.logons.judge(
            LogonAttempt(
                .password(mechanism: .plain, username: username, password: password),
                of: .address(.loopback),
                from: .loopback,
                at: now
            )
        )
    }

    /// How many passwords scrypt has checked.
    var checks: String {
        let series = api.gateway.metrics.logons.series.map(\.text).joined()
        let line = series.split(separator: "\n").first {
            $0.hasPrefix("postern_password_checks_total ")
        }
        return line?.split(separator: " ").last.map(String.init) ?? ""
    }
}

extension LogonOutcome {
    var word: String {
        switch self {
        case .accepted(let identity): identity.application?.name ?? "nobody"
        case .refused(let reason): "\(reason)"
        case .unjudged: "unjudged"
        }
    }
}

@Suite("Logons")
struct LogonTests {
    @Test("a device logs on with its password, in any case of its name, and with no other")
    func password() async throws {
        let counter = try await Counter()
        let password = try await counter.addCredential("Floor-1")
        #expect(password.utf8.count == 20)
        #expect(await counter.logOn("Floor-1", password).word == "backup")
        #expect(await counter.logOn("FLOOR-1", password).word == "backup")
        #expect(await counter.logOn("Floor-1", password.lowercased()).word == "invalid")
        #expect(await counter.logOn("Floor-1", "").word == "invalid")
        #expect(await counter.logOn("Floor-2", password).word == "invalid")
        #expect(await counter.logOn("anyone", counter.key).word == "backup")
        #expect(await counter.logOn("Floor-1", counter.key).word == "backup")
    }

    @Test("a right password is checked once in a while; a wrong one and an unknown name every time")
    func memory() async throws {
        let counter = try await Counter()
        let password = try await counter.addCredential("floor1")
        for _ in 0..<5 { #expect(await counter.logOn("floor1", password).word == "backup") }
        #expect(counter.checks == "1")
        _ = await counter.logOn("floor1", "wrong")
        _ = await counter.logOn("floor1", "wrong")
        _ = await counter.logOn("nobody", "wrong")
        #expect(counter.checks == "4")
        let later = Counter.start + LogonMemory.lifetime
        #expect(await counter.logOn("floor1", password, at: later).word == "backup")
        #expect(counter.checks == "5")
    }

    @Test("a credential that is removed, or removed and made anew, is no longer remembered")
    func removal() async throws {
        let counter = try await Counter()
        try await counter.addCredential("floor1", password: "one")
        #expect(await counter.logOn("floor1", "one").word == "backup")
        let gone = try await counter.ask(.delete, "/v1/credentials/FLOOR1", isAdministrator: true)
        #expect(gone.status == 204)
        #expect(await counter.logOn("floor1", "one").word == "invalid")
        try await counter.addCredential("floor1", password: "two")
        #expect(await counter.logOn("floor1", "one").word == "invalid")
        #expect(await counter.logOn("floor1", "two").word == "backup")
    }

    @Test("a session's logon ends with its credential, its application and its addresses")
    func renewal() async throws {
        let counter = try await Counter()
        let directory = counter.api.directory
        let password = try await counter.addCredential("floor1")
        guard case .accepted(let identity) = await counter.logOn("floor1", password) else {
            Issue.record("not accepted")
            return
        }
        func renewed() -> Result<String?, CredentialError> {
            Result { () throws(CredentialError) in
                try directory.renewed(identity, from: .loopback, at: Counter.start).application?
                    .name
            }
        }
        #expect(renewed() == .success("backup"))
        var record = try #require(directory.application("backup"))
        record.ipRanges = ["192.0.2.1"]
        try await counter.drawer.store.update(record)
        try await directory.reload()
        #expect(renewed() == .failure(.addressNotAllowed))
        #expect(await counter.logOn("floor1", password).word == "addressNotAllowed")
        try await counter.drawer.store.remove(record.id)
        try await directory.reload()
        #expect(renewed() == .failure(.invalid))
        #expect(directory.credentials.isEmpty)
    }

    @Test("the audit tells of a credential that nobody uses, once it is old")
    func audit() async throws {
        let counter = try await Counter()
        let password = try await counter.addCredential("floor1")
        try await counter.addCredential("floor2")
        let later = Counter.start + .seconds(91 * 86_400)
        _ = await counter.logOn("floor1", password, at: later - .seconds(60))
        let directory = counter.api.directory
        func unused(at now: Timestamp) -> [String] {
            directory.audit(at: now).filter { $0.code == "unused_credential" }.map(\.subject)
        }
        #expect(unused(at: Counter.start + .seconds(89 * 86_400)) == [])
        #expect(unused(at: later) == ["floor2"])
        try await directory.noteUses()
        try await directory.reload()
        #expect(unused(at: later) == ["floor2"])
    }

    @Test("without messages:send nobody logs on, whatever he shows")
    func scope() async throws {
        let counter = try await Counter()
        let password = try await counter.addCredential("floor1")
        var record = try #require(counter.api.directory.application("backup"))
        record.scopes = ["messages:read"]
        try await counter.drawer.store.update(record)
        try await counter.api.directory.reload()
        #expect(await counter.logOn("floor1", password).word == "insufficientScope")
        #expect(await counter.logOn("any", counter.key).word == "insufficientScope")
    }

    private func answer(_ secret: String, to challenge: String) throws -> String {
        let (message, key) = (Array(challenge.utf8), Array(secret.utf8))
        return try HMAC.md5(message.span, key: key.span).hex
    }

    @Test("CRAM-MD5 takes the right answer of a credential made for it, and of no other")
    func cramMD5() async throws {
        let counter = try await Counter()
        let challenge = "<1896.697170952@postoffice.reston.mci.net>"
        try await counter.addCredential("plain", password: "tanstaaftanstaaf")
        func judge(_ username: String, _ digest: String) async -> String {
            await counter.api.gateway.logons.judge(
                LogonAttempt(
                    .cramMD5(username: username, challenge: challenge, digest: digest),
                    of: .address(.loopback),
                    from: .loopback,
                    at: Counter.start
                )
            ).word
        }
        // RFC 2195 §2.
        let right = "b913a602c7eda7a495b4e6e7334d3890"
        #expect(await judge("plain", right) == "invalid", "where none is recoverable")
        try await counter.addCredential("tim", password: "tanstaaftanstaaf", cramMD5: true)
        #expect(await judge("tim", right) == "backup")
        #expect(await judge("TIM", right) == "backup")
        #expect(await judge("plain", right) == "invalid")
        #expect(await judge("nobody", right) == "invalid")
        // What stands in for the secret of one that has none must open nothing.
        #expect(await judge("plain", try answer(challenge, to: challenge)) == "invalid")
        #expect(await judge("nobody", try answer(challenge, to: challenge)) == "invalid")
        #expect(await judge("tim", try answer("tanstaaf", to: challenge)) == "invalid")
        #expect(await counter.logOn("tim", "tanstaaftanstaaf").word == "backup")
    }

    @Test("when too many passwords wait to be checked nobody is told that his is wrong")
    func overload() async throws {
        let logons = try await Counter().api.gateway.logons
        let words = await withTaskGroup(of: String.self) { group in
            for number in 0..<60 {
                group.addTask {
                    await logons.judge(
                        LogonAttempt(
                            .password(mechanism: .plain, username: "u", password: "\(number)"),
                            of: .address(.loopback),
                            from: .loopback,
                            at: Counter.start
                        )
                    ).word
                }
            }
            return await group.reduce(into: [String]()) { $0.append($1) }
        }
        #expect(words.contains("unjudged") && words.contains("invalid"))
        #expect(words.count == 60 && Set(words).count == 2)
    }
}

@Suite("Credentials over the API")
struct CredentialResourceTests {
    static let wrong: [(body: String, pointers: [String])] = [
        ("{}", ["/application"]), (#"{"application":"backup"}"#, ["/username"]),
        (#"{"application":"nobody","username":"u"}"#, ["/application"]),
        (#"{"application":"backup","username":""}"#, ["/username"]),
        (#"{"application":"backup","username":" u"}"#, ["/username"]),
        (#"{"application":"backup","username":"drücker"}"#, ["/username"]),
        (#"{"application":"backup","username":"u\u0000"}"#, ["/username"]),
        (#"{"application":"backup","username":"u","password":""}"#, ["/password"]),
        (#"{"application":"backup","username":"u","password":"a\nb"}"#, ["/password"]),
        (#"{"application":"backup","username":"u","cram_md5":1}"#, ["/cram_md5"]),
        (#"{"application":"backup","username":"u","colour":1}"#, ["/colour"]),
    ]
    @Test("a malformed credential is refused where it is wrong", arguments: wrong)
    func refusal(body: String, pointers: [String]) async throws {
        let counter = try await Counter()
        let answer = try await counter.ask(.post, "/v1/credentials", body, isAdministrator: true)
        #expect(answer.status == 422 && answer.pointers == pointers)
        #expect(counter.api.directory.credentials.isEmpty)
    }

    @Test("an API key is neither a user name nor a password")
    func keys() async throws {
        let counter = try await Counter()
        for field in ["username", "password"] {
            let other = field == "username" ? "password" : "username"
            let answer = try await counter.ask(
                .post,
                "/v1/credentials",
                "{\"application\":\"backup\",\"\(field)\":\"\(counter.key)\",\"\(other)\":\"u\"}",
                isAdministrator: true
            )
            #expect(answer.status == 422 && answer.pointers == ["/\(field)"])
        }
    }

    @Test("a user name is given once; a password that was chosen is never shown")
    func creation() async throws {
        let counter = try await Counter()
        let body = #"{"application":"backup","username":"Floor 1","password":"secret"}"#
        let made = try await counter.ask(.post, "/v1/credentials", body, isAdministrator: true)
        #expect(made.status == 201 && made.json["password"].text == "")
        let id = made.json["id"].text
        #expect(made.fields["Location"] == "/v1/credentials/\(id)")
        let again = try await counter.ask(
            .post,
            "/v1/credentials",
            #"{"application":"backup","username":"floor 1"}"#,
            isAdministrator: true
        )
        #expect(again.status == 409 && again.code == "already_exists")
        #expect(again.pointers == ["/username"])
        for target in ["/v1/credentials/\(id)", "/v1/credentials/FLOOR%201"] {
            let shown = try await counter.ask(.get, target, isAdministrator: true)
            #expect(shown.status == 200 && shown.json["username"].text == "Floor 1")
            #expect(!shown.json.description.contains("secret"))
        }
        #expect(try await counter.ask(.get, "/v1/credentials").status == 403)
    }

    @Test("a certificate that two applications list all the same is nobody's")
    func disputedCertificate() {
        func application(_ name: String, _ certificates: [String]) -> ApplicationRecord {
            ApplicationRecord(
                id: ApplicationID(at: Counter.start),
                name: name,
                certificates: certificates,
                createdAt: Counter.start
            )
        }
        let state = DirectoryState(
            [application("a", ["1", "2", "2"]), application("b", ["2", "3"])],
            [],
            [],
            after: DirectoryState()
        )
        #expect(state.certificates["1"]?.application?.name == "a")
        #expect(state.certificates["2"] == nil)
        #expect(state.certificates["3"]?.application?.name == "b")
    }

    @Test("a certificate belongs to one application")
    func certificates() async throws {
        let counter = try await Counter()
        let print = String(repeating: "AB", count: 32)
        let body = "{\"name\":\"one\",\"certificates\":[\"\(print)\"]}"
        let made = try await counter.ask(.post, "/v1/applications", body, isAdministrator: true)
        #expect(made.status == 201)
        #expect(made.json["certificates"].elements.map(\.text) == [print.lowercased()])
        let taken = try await counter.ask(
            .patch,
            "/v1/applications/backup",
            "{\"certificates\":[\"\(print)\"]}",
            isAdministrator: true
        )
        #expect(taken.status == 409 && taken.pointers == ["/certificates/0"])
        let wrong = try await counter.ask(
            .patch,
            "/v1/applications/backup",
            "{\"certificates\":[\"ab\"]}",
            isAdministrator: true
        )
        #expect(wrong.status == 422 && wrong.pointers == ["/certificates/0"])
        let same = try await counter.ask(
            .patch,
            "/v1/applications/one",
            "{\"certificates\":[\"\(print)\"]}",
            isAdministrator: true
        )
        #expect(same.status == 200)
    }
}
